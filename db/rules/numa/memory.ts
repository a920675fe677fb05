/** What claims take of the NUMA nodes of their hosts, in memory as numa.sql has it. */
import type { ClaimRecord } from "../../../actors/records/instance.ts";
import { isOverused, pinnedBy, realCpusOf, sharedFree, useWith } from "../../../protocol/numa.ts";
import type { StoredHost } from "../../rows/tables.ts";

/** The host with this claim on its NUMA nodes, or without it: after the sums of all claims. */
export function bound(host: StoredHost, { numa }: ClaimRecord, times: 1 | -1): StoredHost {
  if (numa === null) return host;
  return {
    ...host,
    pinnedCpus: host.pinnedCpus + times * pinnedBy(numa),
    numaClaimed: useWith(host.numaClaimed, numa, times),
  };
}

/** Guests' own CPUs leave too few for the others, or a NUMA node is overfull. */
export function isOverpinned(host: StoredHost): boolean {
  const { pinnedCpus, vcpus, vcpusClaimed, numa, numaClaimed } = host;
  const realCpus = realCpusOf(numa);
  if (pinnedCpus > realCpus || isOverused(numa, numaClaimed)) return true;
  return sharedFree({ realCpus, pinnedCpus, vcpus, vcpusClaimed }) < 0;
}
