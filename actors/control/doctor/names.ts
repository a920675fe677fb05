/**
 * Hosts that people cannot tell apart by name. Nothing is broken, but each command that names such a host is
 * refused (hostAmbiguous), and only somebody who knows the computers can end that. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import type { HostRecord } from "../../records/host.ts";
import type { DoctorInput } from "./input.ts";
import { doctorLimits } from "./limits.ts";

export function nameFindings({ hosts }: DoctorInput): Finding[] {
  const ids = new Map(hosts.map((host) => [host.id, host]));
  const called = Map.groupBy(hosts, ({ name }) => name);
  return [...called].flatMap(([name, several]) => {
    const namesake = ids.get(name);
    const all = namesake === undefined ? several : [...new Set([namesake, ...several])];
    return all.length < 2 ? [] : [finding(name, all)];
  });
}

function finding(name: string, hosts: readonly HostRecord[]): Finding {
  const { hostsNamedMax } = doctorLimits;
  const more = hosts.length > hostsNamedMax ? ` and ${hosts.length - hostsNamedMax} more` : "";
  return {
    kind: "drift",
    subject: `host ${name}`,
    message: `Several hosts are meant by it: ${hosts.slice(0, hostsNamedMax).map(described).join(", ")}${more}.`,
    next:
      "Remove by its id the one that is no more: novact host remove; or give one node another name in " +
      "cluster.yaml and restart its agent.",
  };
}

const described = ({ id, lease }: HostRecord): string =>
  `${id} (lease ${lease === null ? "not granted yet" : lease.fencedBy === null ? "held" : "fenced"})`;
