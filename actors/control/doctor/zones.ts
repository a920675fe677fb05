/**
 * Instances that are not where they asked to be. On a host outside of their zone: commits do not let that
 * come about; it is left from versions before, and the next loss of a host ends such an instance, since no
 * other one may take it. Or for a zone that no host is in: an operator may take it away while no host of it
 * has the instance, which then has no place to start at. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { defaultZone } from "../../../protocol/kinds.ts";
import type { HostRecord } from "../../records/host.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";

export function zoneFindings({ instances, hosts }: DoctorInput, known: Known): Finding[] {
  const zones = new Map(hosts.map((host) => [host.id, zoneOf(host)]));
  const there = new Set(zones.values());
  return instances.flatMap(({ instance: { id, name, hostId, availabilityZone: zone, desired } }) => {
    if (zone === null || desired === "deleted") return [];
    // An instance with a host and something under way may be moving; one without either is a failed build,
    // which waits for its user and holds no zone.
    if ((hostId !== null) === known.unsettled.has(id)) return [];
    const has = zones.get(hostId ?? "");
    if (has === zone || (has === undefined && there.has(zone))) return [];
    const message =
      has === undefined
        ? `It asked for the zone ${zone}, and no host is in it.`
        : `It asked for the zone ${zone}, and ${hostCalled(known, hostId ?? "")} is in ${has}: no host may take it over.`;
    return [
      {
        kind: has === undefined ? "advice" : "drift",
        subject: `instance ${name} (${id})`,
        message,
        next: `Have a host with room in the zone again (novact aggregate), or make the instance anew elsewhere.`,
      },
    ];
  });
}

const zoneOf = ({ aggregates }: HostRecord): string =>
  aggregates.find(({ availabilityZone }) => availabilityZone !== null)?.availabilityZone ?? defaultZone;
