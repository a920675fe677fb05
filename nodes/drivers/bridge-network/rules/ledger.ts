/**
 * What this host has given to its networks and ports, and to nobody else as long as they are there: a zone of
 * connections for each network, since addresses of two networks may be the same, and a service address for
 * each port, by which DHCP and metadata tell ports apart. It has to outlive the agent: a zone that changed
 * would end every connection, and a service address of two ports would tell one guest's secrets to another.
 * Pure.
 */
import { type Static, Type } from "@sinclair/typebox";
import { addressText } from "../../../../protocol/address.ts";
import type { HostNetworking } from "../../../../protocol/networking.ts";
import { answer, Count } from "../../../../protocol/wire/schema.ts";
import { ruleLimits } from "./limits.ts";

export const Ledger = answer({
  /** By network. */
  zones: Type.Record(Type.String(), Count),
  /** By port: its number, of which `servicesOf` makes addresses. */
  services: Type.Record(Type.String(), Count),
  /** Where the next number is looked for: those that were given last rest longest. */
  next: Count,
});
export type Ledger = Static<typeof Ledger>;

export const emptyLedger: Ledger = { zones: {}, services: {}, next: 0 };

const { zonesMax, servicesMax } = ruleLimits;

/** A network or port keeps its number as long as it stays. */
export function nextLedger(
  before: Ledger,
  picture: HostNetworking | null,
  portIds: readonly string[],
): Ledger {
  const networks = picture?.networks ?? [];
  const zones = new Map(networks.flatMap(({ id }) => entry(id, before.zones[id])));
  const usedZones = new Set(zones.values());
  for (const { id, number } of networks)
    if (!zones.has(id)) zones.set(id, taken(usedZones, number % zonesMax, zonesMax));
  const services = new Map(portIds.flatMap((id) => entry(id, before.services[id])));
  const used = new Set(services.values());
  let { next } = before;
  for (const id of portIds) {
    if (services.has(id)) continue;
    services.set(id, taken(used, next, servicesMax));
    next = (services.get(id) ?? 0) % servicesMax;
  }
  return { zones: Object.fromEntries(zones), services: Object.fromEntries(services), next };
}

/** The later ledger has no number that the earlier lacks: an agent that reads that one gives none twice. */
export const givesNothing = (before: Ledger, { zones, services }: Ledger): boolean =>
  Object.entries(zones).every(([id, number]) => before.zones[id] === number) &&
  Object.entries(services).every(([id, number]) => before.services[id] === number);

const entry = (id: string, number: number | undefined): [string, number][] =>
  typeof number === "number" ? [[id, number]] : [];

/** The first free number behind `after`, from 1 to `max`, and then from 1 again. */
function taken(used: Set<number>, after: number, max: number): number {
  for (let step = 0; step < max; step += 1) {
    const number = ((after + step) % max) + 1;
    if (used.has(number)) continue;
    used.add(number);
    return number;
  }
  throw new Error("There are more networks or ports on this host than numbers for them.");
}

/** 100.64.0.0 (RFC 6598). */
const first = 0x6440_0000n;
/** All addresses of ports and of hatches. */
export const servicesRange = "100.64.0.0/10";

/** To which a hatch sends guests' frames: of each zone another one, behind all those of ports. */
export const hatchAddress = (zone: number): string =>
  addressText({ version: 4, value: first + 2n * BigInt(servicesMax + 1) + BigInt(zone) });

/** `own`: the source of the port's questions. `all`: the destination of answers that are broadcast. */
export const servicesOf = (number: number): { readonly own: string; readonly all: string } => ({
  own: addressText({ version: 4, value: first + 2n * BigInt(number) }),
  all: addressText({ version: 4, value: first + 2n * BigInt(number) + 1n }),
});
