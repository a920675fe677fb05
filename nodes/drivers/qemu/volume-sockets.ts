/**
 * Gives a guest's user the sockets of its volumes: its QEMU connects to them, and no other process can. Their
 * directory must be of nobody who could put another file in the socket's place.
 */
import { lchown, lstat } from "node:fs/promises";
import type { GuestVolume } from "../../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { guestUser } from "../guest-user.ts";
import { refuseVolumes } from "./volumes.ts";

/** @throws hypervisorRefused for volumes that the guest cannot have, and for a socket that is not there */
export async function readyVolumes(
  spec: Pick<MachineSpec, "instanceId" | "shape">,
  volumes: readonly GuestVolume[],
): Promise<void> {
  refuseVolumes(spec, volumes);
  const { instanceId } = spec;
  const user = guestUser(instanceId);
  for (const { device } of volumes) {
    if (device.kind !== "nbd") continue;
    try {
      if (!(await lstat(device.path)).isSocket()) throw new Error("It is no socket.");
      if (user !== undefined) await lchown(device.path, user.uid, user.gid);
    } catch (error) {
      const message = `The socket of a volume of instance ${instanceId} is not there.`;
      throw new StatusError("hypervisorRefused", message, { cause: error, detail: String(error) });
    }
  }
}
