/**
 * Capacity, counted in three ways: the host's own sums (under the CHECK), the claim rows, and the sizes of
 * the instances. All three change in the same transactions, so a lasting difference is a bug of novact, and
 * is reported as such. Findings name differences, not totals: a difference stays the same while the totals
 * move. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { isOverused, realCpusOf, sharedFree } from "../../../protocol/numa.ts";
import { counted, kibibytes } from "../../../protocol/wire/wording.ts";
import type { ClaimTotal } from "../../ports/host-reads.ts";
import type { HostRecord } from "../../records/host.ts";
import { hostSizeOf } from "../../shared-storage/host-size.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";

type Sums = Omit<ClaimTotal, "hostId" | "volumeGib" | keyof NumaSums>;
type NumaSums = Pick<ClaimTotal, "pinnedCpus" | "numaClaimed">;

const nothing: Sums = { vcpus: 0, memoryMib: 0, diskGib: 0, instances: 0 };

export function compareClaims(input: DoctorInput, known: Known): Finding[] {
  const rows = new Map(input.claimTotals.map((total) => [total.hostId, total]));
  const accounted = accountedFor(input, known);
  const registered = new Map(input.hosts.map((host) => [host.id, host]));
  const hostIds = new Set([...registered.keys(), ...rows.keys(), ...accounted.keys()]);
  const resting = [...hostIds].filter((hostId) => !input.movingHosts.has(hostId));
  return resting.flatMap((hostId) => {
    const claims = rows.get(hostId) ?? { ...nothing, volumeGib: 0, pinnedCpus: 0, numaClaimed: [] };
    const all = { ...claims, diskGib: claims.diskGib + claims.volumeGib };
    const host = registered.get(hostId);
    return [
      ...sumsFinding(hostCalled(known, hostId), host, all),
      ...accountFinding(hostCalled(known, hostId), claims, accounted.get(hostId) ?? nothing),
      ...capacityFinding(hostCalled(known, hostId), host, all),
      ...(host === undefined ? [] : numaFindings(hostCalled(known, hostId), host, claims)),
    ];
  });
}

/**
 * Sums by host of what the instances should claim: one claim for a settled instance with an owner, all claims
 * of an instance that is not settled.
 */
function accountedFor({ unsettled }: DoctorInput, known: Known): Map<string, Sums> {
  const sums = new Map<string, Sums>();
  const count = (hostId: string, amounts: Omit<Sums, "instances">) => {
    sums.set(hostId, plus(sums.get(hostId) ?? nothing, { ...amounts, instances: 1 }));
  };
  for (const { instance } of known.settled.values())
    if (instance.hostId !== null) count(instance.hostId, hostSizeOf(instance));
  for (const { claims } of unsettled) for (const claim of claims) count(claim.hostId, claim);
  return sums;
}

const plus = (left: Sums, right: Sums): Sums => ({
  vcpus: left.vcpus + right.vcpus,
  memoryMib: left.memoryMib + right.memoryMib,
  diskGib: left.diskGib + right.diskGib,
  instances: left.instances + right.instances,
});

/** `+1 vcpus, -512 memoryMib`: left minus right; empty when they agree. */
function difference(left: Sums, right: Sums): string {
  const parts = (["vcpus", "memoryMib", "diskGib", "instances"] as const).flatMap((unit) => {
    const more = left[unit] - right[unit];
    return more === 0 ? [] : [`${more > 0 ? "+" : ""}${more} ${unit}`];
  });
  return parts.join(", ");
}

const sumsOf = (host: HostRecord): Sums => ({
  vcpus: host.vcpusClaimed,
  memoryMib: host.memoryMibClaimed,
  diskGib: host.diskGibClaimed,
  instances: host.instances,
});

function sumsFinding(subject: string, host: HostRecord | undefined, claims: Sums): Finding[] {
  const differs = difference(host === undefined ? nothing : sumsOf(host), claims);
  if (differs === "") return [];
  return [
    {
      kind: "drift",
      subject,
      message: `Its sums and its claim rows differ: the sums have ${differs}.`,
      next: "Report it: one transaction writes both. Keep the database as it is until then.",
    },
  ];
}

function accountFinding(subject: string, claims: Sums, accounted: Sums): Finding[] {
  const differs = difference(claims, accounted);
  if (differs === "") return [];
  const leaking = claims.instances > accounted.instances;
  return [
    {
      kind: leaking ? "leak" : "drift",
      subject,
      message: `Its claim rows and its instances differ: the claims have ${differs}.`,
      next: "Report it: one transaction writes both. Keep the database as it is until then.",
    },
  ];
}

function capacityFinding(subject: string, host: HostRecord | undefined, claims: Sums): Finding[] {
  if (host === undefined) return [];
  const over = (["vcpus", "memoryMib", "diskGib"] as const).filter((unit) => claims[unit] > host[unit]);
  if (over.length === 0) return [];
  const much = over.map((unit) => `${claims[unit] - host[unit]} ${unit}`).join(", ");
  return [
    {
      kind: "drift",
      subject,
      message: `More is claimed than the host has: ${much} too much.`,
      next: "Did the host lose memory, CPUs or disk? Disable it, and delete instances there.",
    },
  ];
}

/**
 * Pinned CPUs, memory and pages of each NUMA node: the host's sums against the claim rows, and against the
 * nodes' sizes.
 */
function numaFindings(subject: string, host: HostRecord, claims: NumaSums): Finding[] {
  const { pinnedCpus, numaClaimed, numa, vcpus, vcpusClaimed } = host;
  const findings: Finding[] = [];
  if (
    JSON.stringify([pinnedCpus, numaNodesOf(host)]) !==
    JSON.stringify([claims.pinnedCpus, numaNodesOf(claims)])
  )
    findings.push({
      kind: "drift",
      subject,
      message: `Its sums and its claim rows differ by NUMA node: the sums are ${textOf(host)}, the rows ${textOf(claims)}.`,
      next: "Report it: one transaction writes both. Keep the database as it is until then.",
    });
  const pools = { realCpus: realCpusOf(numa), pinnedCpus, vcpus, vcpusClaimed };
  if (isOverused(numa, numaClaimed) || pinnedCpus > pools.realCpus || sharedFree(pools) < 0)
    findings.push({
      kind: "drift",
      subject,
      message: `More of its NUMA nodes or CPUs is claimed than there is: ${textOf(host)}.`,
      next: "Did the host lose CPUs, memory or huge pages? Disable it, and move instances away.",
    });
  return findings;
}

const numaNodesOf = ({ numaClaimed }: NumaSums) =>
  numaClaimed.map(({ pinnedCpus, memoryMib, hugePages }) => [
    pinnedCpus,
    memoryMib,
    hugePages.map(({ sizeKib, claimed }) => [sizeKib, claimed]),
  ]);

/** `2 pinned CPUs; NUMA node 0: 2 CPUs, 512 MiB, 4 pages of 2 MiB`. */
function textOf({ pinnedCpus, numaClaimed }: NumaSums): string {
  const nodes = numaClaimed.map((use, node) => {
    const pages = use.hugePages.map(
      ({ sizeKib, claimed }) => `, ${counted(claimed, "page")} of ${kibibytes(sizeKib)}`,
    );
    return `NUMA node ${node}: ${counted(use.pinnedCpus, "CPU")}, ${use.memoryMib} MiB${pages.join("")}`;
  });
  return [counted(pinnedCpus, "pinned CPU"), ...nodes].join("; ");
}
