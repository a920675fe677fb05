/** What a running guest is to be plugged into, as its process is told. Pure. */
import type { Guest } from "../../../actors/ports/hypervisor.ts";
import type { NetworkDevice } from "../../../actors/ports/network.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { guestCard } from "./line/line.ts";
import type { Card, Placed } from "./rewiring.ts";
import { plugsOf } from "./starting.ts";

/** @throws hypervisorRefused for a guest of before, which has no places for interfaces */
export function cardsOf(
  spec: MachineSpec,
  devices: readonly NetworkDevice[],
  directory: string,
): readonly Card[] {
  const interfaces = interfacesOf(spec);
  return plugsOf(spec, devices, directory).flatMap((placed, index) => {
    const seen = interfaces[index];
    return seen === undefined
      ? []
      : { ...placed, mac: seen.mac, device: guestCard(spec, placed.place, seen) };
  });
}

/** The same, without what they are plugged into. @throws hypervisorRefused as `cardsOf` */
export const placedOf = (spec: MachineSpec): readonly Placed[] =>
  interfacesOf(spec).map(({ place, mac }, index) => ({ place: place ?? index, mac }));

function interfacesOf({ interfaces, instanceId }: MachineSpec): NonNullable<MachineSpec["interfaces"]> {
  if (interfaces !== undefined) return interfaces;
  const message = `Instance ${instanceId} has one interface, which is not changed.`;
  throw new StatusError("hypervisorRefused", message);
}

/** @throws staleEpoch */
export function refuseOtherEpoch({ ownerEpoch }: Guest, spec: MachineSpec): void {
  if (ownerEpoch === spec.ownerEpoch) return;
  const message = `A guest of epoch ${ownerEpoch} of instance ${spec.instanceId} runs on this host, not of ${spec.ownerEpoch}.`;
  throw new StatusError("staleEpoch", message);
}
