/**
 * Hosts that say one underlay address: frames for the guests of both go to one of them alone. Hosts of one
 * computer may have one switch, and share its address, but for those of the driver `bridge`; what drivers of
 * others share is theirs. Only hosts that answer are compared, since one that is gone may have left its
 * address to another. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";
import { doctorLimits } from "./limits.ts";

export function underlayFindings({ hosts, answers }: DoctorInput, known: Known): Finding[] {
  const answering = new Set(answers.flatMap((one) => ("audit" in one ? [one.hostId] : [])));
  const said = hosts.flatMap(({ id, bootId, drivers }) => {
    const address = drivers?.networking?.underlay ?? null;
    const computer = { bridge: id, user: bootId }[drivers?.network ?? ""] ?? "";
    return address === null || !answering.has(id) ? [] : [{ id, address, computer }];
  });
  return [...Map.groupBy(said, ({ address }) => address)].flatMap(([address, those]) => {
    const [first, ...others] = those.map(({ id }) => hostCalled(known, id)).sort();
    const computers = new Set(those.map(({ computer }) => computer));
    if (first === undefined || computers.size < 2) return [];
    const named = others.slice(0, doctorLimits.hostsNamedMax).join(", ");
    const more = others.length > doctorLimits.hostsNamedMax ? ", and others" : "";
    return {
      kind: "drift" as const,
      subject: first,
      message: `Its underlay address ${address} is also that of ${named}${more}.`,
      next: "Guests of these hosts are not found by others. Give each node an address of its own in cluster.yaml.",
    };
  });
}
