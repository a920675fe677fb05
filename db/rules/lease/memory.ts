/** Host leases in memory, as lease.sql has them; renewals are no commits. */

import type { Commit } from "../../../actors/records/commit.ts";
import type { MachineKey } from "../../../actors/records/instance.ts";
import { type FenceProof, isOfSilence } from "../../../protocol/fence.ts";
import type { Refusal, StoredHost, Work } from "../../rows/tables.ts";
import { unknownIn } from "../reference/memory.ts";

export function applyLeases({ tables, commit, journal }: Work): Refusal | undefined {
  const refusal = unknownIn(tables, commit.leasesGranted ?? []);
  if (refusal !== undefined) return refusal;
  for (const { hostId, leaseEpoch } of commit.leasesGranted ?? []) {
    const host = tables.hosts.get(hostId);
    if (host === undefined) continue;
    const fits =
      host.lease === null
        ? leaseEpoch === 1
        : host.lease.fencedBy !== null && leaseEpoch === host.lease.leaseEpoch + 1;
    if (!fits) return { kind: "conflict" };
    const renewals = (host.lease?.renewals ?? 0) + 1;
    tables.hosts.put(
      hostId,
      { ...host, lease: { leaseEpoch, renewals, storage: null, fencedBy: null } },
      journal,
    );
  }
  for (const { hostId, leaseEpoch, renewals, proof } of commit.leasesFenced ?? []) {
    const host = tables.hosts.get(hostId);
    const lease = host?.lease ?? null;
    const fits = lease !== null && lease.leaseEpoch === leaseEpoch && isStronger(proof, lease.fencedBy);
    if (host === undefined || !fits || (renewals ?? lease.renewals) !== lease.renewals)
      return { kind: "conflict" };
    tables.hosts.put(hostId, { ...host, lease: { ...lease, fencedBy: proof } }, journal);
  }
  for (const { hostId, leaseEpoch } of commit.fencesExpected ?? []) {
    const lease = tables.hosts.get(hostId)?.lease;
    if (lease?.leaseEpoch !== leaseEpoch || lease.fencedBy === null) return { kind: "conflict" };
  }
  return undefined;
}

/** A fence is final, but for one by silence: a word or the power takes its place. */
const isStronger = (proof: FenceProof, before: FenceProof | null): boolean =>
  before === null || (isOfSilence(before) && !isOfSilence(proof));

/**
 * Refuses a claim that is not made under the host lease that its host holds, or that is new on a disabled
 * host.
 */
export function unleased({ tables, commit }: Work): Refusal | undefined {
  const found = commit.claims?.find((claim) => {
    const host = tables.hosts.get(claim.hostId);
    const takes = host?.enabled !== false || isHeld(claim, commit);
    return !takes || !isLeased(host, claim.leaseEpoch);
  });
  return found && { kind: "hostFull", hostId: found.hostId };
}

/** True for a claim that exists already and is only made anew. */
const isHeld = ({ instanceId, ownerEpoch }: MachineKey, { claimsReleased = [] }: Commit): boolean =>
  claimsReleased.some((key) => key.instanceId === instanceId && key.ownerEpoch === ownerEpoch);

/**
 * True for a claim under the very lease epoch that the host holds, or under 0 when the host never had a host
 * lease.
 */
function isLeased(host: StoredHost | undefined, leaseEpoch: number): boolean {
  if (host === undefined) return false;
  if (host.lease === null) return leaseEpoch === 0;
  return host.lease.fencedBy === null && host.lease.leaseEpoch === leaseEpoch;
}
