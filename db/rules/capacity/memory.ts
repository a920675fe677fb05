/** What instances take of hosts, in memory as capacity.sql has it. */
import type { ClaimRecord } from "../../../actors/records/instance.ts";
import { machineKey, type Refusal, type StoredHost, type Work } from "../../rows/tables.ts";
import { unleased } from "../lease/memory.ts";
import { bound, isOverpinned } from "../numa/memory.ts";

export function overfull(host: StoredHost): boolean {
  return (
    host.vcpusClaimed > host.vcpus ||
    host.memoryMibClaimed > host.memoryMib ||
    host.diskGibClaimed > host.diskGib ||
    isOverpinned(host)
  );
}

function claimed(host: StoredHost, claim: ClaimRecord, times: 1 | -1): StoredHost {
  return {
    ...host,
    vcpusClaimed: host.vcpusClaimed + times * claim.vcpus,
    memoryMibClaimed: host.memoryMibClaimed + times * claim.memoryMib,
    diskGibClaimed: host.diskGibClaimed + times * claim.diskGib,
    instances: host.instances + times,
  };
}

export function applyReleases({ tables, commit, journal }: Work): undefined {
  for (const key of commit.claimsReleased ?? []) {
    const claim = tables.claims.get(machineKey(key));
    const host = claim && tables.hosts.get(claim.hostId);
    if (claim === undefined || host === undefined) continue;
    tables.claims.delete(machineKey(key), journal);
    tables.hosts.put(host.id, bound(claimed(host, claim, -1), claim, -1), journal);
  }
}

export function applyClaims(work: Work): Refusal | undefined {
  const { tables, commit, journal } = work;
  const refused = unleased(work);
  if (refused !== undefined) return refused;
  for (const claim of commit.claims ?? []) {
    const host = tables.hosts.get(claim.hostId);
    const fuller = host && claimed(host, claim, 1);
    if (fuller === undefined || overfull(fuller)) return { kind: "hostFull", hostId: claim.hostId };
    tables.hosts.put(claim.hostId, fuller, journal);
  }
  return applyClaimRows(work);
}

function applyClaimRows({ tables, commit, journal }: Work): Refusal | undefined {
  let conflict = false;
  for (const claim of commit.claims ?? []) {
    if (tables.claims.get(machineKey(claim)) !== undefined) {
      conflict = true;
      continue;
    }
    tables.claims.put(machineKey(claim), claim, journal);
    const host = tables.hosts.get(claim.hostId);
    if (claim.numa === null || host === undefined) continue;
    const fuller = bound(host, claim, 1);
    if (overfull(fuller)) return { kind: "hostFull", hostId: claim.hostId };
    tables.hosts.put(claim.hostId, fuller, journal);
  }
  return conflict ? { kind: "conflict" } : undefined;
}
