/**
 * I3: the sum of the claims on a host never exceeds what it has, nor what any of its NUMA nodes has
 * (numa-nodes.ts), nor the disks on a storage what the storage has (storage-room.ts); no new disk is placed
 * where too little is really free (disk-room.ts); nor does a claim
 * break its group's rule, or a create the quota of its project (groups-and-quotas.ts); a host is in one zone
 * at most (zones.ts); and rows of resources keep to their names and limits (resources.ts). The sums are kept
 * here, from the claims themselves; whether the store's own sums agree is judged when all is quiet, also for
 * groups and quotas (placement-at-rest.ts).
 */
import type { HostInventory } from "../../protocol/machine.ts";
import type { Commit } from "../records/commit.ts";
import type { ClaimRecord, MachineKey } from "../records/instance.ts";
import { diskRoom } from "./disk-room.ts";
import type { Amounts, Checker, Quiet } from "./facts.ts";
import { groupsAndQuotas } from "./groups-and-quotas.ts";
import { isCommitted } from "./ledger.ts";
import { differences, numaFaults, takenBy, takenIn } from "./numa-nodes.ts";
import { placementFaults } from "./placement-at-rest.ts";
import { rowsOfResources } from "./resources.ts";
import { roomOfDisks } from "./room-of-disks.ts";
import { storageRoom } from "./storage-room.ts";
import { type VolumeRoom, volumeRoom } from "./volume-room.ts";
import { zonesOfHosts } from "./zones.ts";

interface Known {
  readonly capacities: Map<string, HostInventory>;
  readonly sums: Map<string, Amounts>;
  readonly claims: Map<string, ClaimRecord>;
  /** By host, the keys of claims that take part of its NUMA nodes: most hosts have none. */
  readonly bound: Map<string, Set<string>>;
  readonly volumes: VolumeRoom;
}

const nothing: Amounts = { vcpus: 0, memoryMib: 0, diskGib: 0 };
const resources = ["vcpus", "memoryMib", "diskGib"] as const;

export function neverOverfull(): Checker {
  const maps = { capacities: new Map(), sums: new Map(), claims: new Map(), bound: new Map() };
  const known: Known = { ...maps, volumes: volumeRoom() };
  const rulesBrokenBy = groupsAndQuotas();
  const zonesBrokenBy = zonesOfHosts();
  const resourcesBrokenBy = rowsOfResources();
  const storages = storageRoom();
  const room = diskRoom();
  return {
    promise: "I3",
    see(fact) {
      if (fact.kind === "quiet")
        return [...still(fact, known), ...storages.still(fact), ...placementFaults(fact)];
      if (fact.kind === "roomHeard" || fact.kind === "roomForgotten") {
        room.hear(fact);
        return [];
      }
      if (!isCommitted(fact)) return [];
      const { commit } = fact;
      return [
        ...room.brokenBy(fact),
        ...applied(known, commit),
        ...rulesBrokenBy(commit),
        ...zonesBrokenBy(commit),
        ...resourcesBrokenBy(commit),
        ...storages.brokenBy(commit),
        ...roomOfDisks(commit),
      ];
    },
  };
}

function applied(known: Known, commit: Commit): readonly string[] {
  const { capacities } = known;
  const touched = new Set<string>(known.volumes.apply(commit).hosts);
  for (const host of commit.hosts ?? []) {
    capacities.set(host.hostId, host);
    touched.add(host.hostId);
  }
  for (const { hostId } of commit.hostsRemoved ?? [])
    for (const claim of [...known.claims.values()]) if (claim.hostId === hostId) release(known, claim);
  for (const key of commit.claimsReleased ?? []) release(known, key);
  for (const claim of commit.claims ?? []) {
    take(known, claim);
    touched.add(claim.hostId);
  }
  return [...touched].flatMap((id) => [
    ...overfull(id, withVolumes(known, id), capacities.get(id)),
    ...overfullNumaNodes(known, id),
  ]);
}

/** What is claimed of a host, and what volumes take of its own disk. */
function withVolumes({ sums, volumes }: Known, hostId: string): Amounts {
  const sum = sums.get(hostId) ?? nothing;
  return { ...sum, diskGib: sum.diskGib + volumes.on("hostId", hostId) };
}

function overfullNumaNodes({ capacities, sums, claims, bound }: Known, hostId: string): readonly string[] {
  const inventory = capacities.get(hostId);
  const keys = bound.get(hostId);
  if (inventory === undefined || keys === undefined) return [];
  const taken = takenBy([...keys].flatMap((key) => claims.get(key)?.numa ?? []));
  return numaFaults(hostId, inventory, taken, sums.get(hostId)?.vcpus ?? 0);
}

const keyOf = ({ instanceId, ownerEpoch }: MachineKey) => `${instanceId} ${ownerEpoch}`;

function take(known: Known, claim: ClaimRecord): void {
  release(known, claim);
  known.claims.set(keyOf(claim), claim);
  known.sums.set(claim.hostId, plus(known.sums.get(claim.hostId) ?? nothing, claim, 1));
  if (!claim.numa) return;
  known.bound.set(claim.hostId, (known.bound.get(claim.hostId) ?? new Set()).add(keyOf(claim)));
}

function release({ claims, sums, bound }: Known, key: MachineKey): void {
  const claim = claims.get(keyOf(key));
  if (claim === undefined) return;
  claims.delete(keyOf(key));
  bound.get(claim.hostId)?.delete(keyOf(key));
  sums.set(claim.hostId, plus(sums.get(claim.hostId) ?? nothing, claim, -1));
}

function plus(sum: Amounts, added: Amounts, times: 1 | -1): Amounts {
  return {
    vcpus: sum.vcpus + times * added.vcpus,
    memoryMib: sum.memoryMib + times * added.memoryMib,
    diskGib: sum.diskGib + times * added.diskGib,
  };
}

/** A host that never reported its capacity cannot be judged. */
function overfull(hostId: string, sum: Amounts, capacity: Amounts | undefined): readonly string[] {
  if (capacity === undefined) return [];
  return resources
    .filter((resource) => sum[resource] > capacity[resource])
    .map((one) => `Host ${hostId} is overfull: ${sum[one]} of ${capacity[one]} ${one} are claimed.`);
}

function still({ hosts, claims }: Quiet, { volumes }: Known): readonly string[] {
  const sums = new Map<string, Amounts>();
  for (const claim of claims ?? []) {
    sums.set(claim.hostId, plus(sums.get(claim.hostId) ?? nothing, claim, 1));
  }
  return hosts.flatMap(({ id, claimed, capacity, nodes }) => {
    const own = sums.get(id) ?? nothing;
    const more = volumes.on("hostId", id);
    const sum = claims === undefined ? claimed : { ...own, diskGib: own.diskGib + more };
    const wrong = resources
      .filter((resource) => claimed[resource] !== sum[resource])
      .map((one) => `Host ${id} counts ${claimed[one]} ${one} as claimed, but its claims are ${sum[one]}.`);
    const held = (claims ?? []).filter(({ hostId }) => hostId === id).flatMap(({ numa }) => numa ?? []);
    const counted = nodes && takenIn(nodes.pinnedCpus, nodes.numaClaimed);
    const differing =
      counted === undefined || claims === undefined ? [] : differences(counted, takenBy(held));
    const miscounted = differing.map(
      (what) => `Host ${id} counts ${what} otherwise than its claims have it.`,
    );
    return [...wrong, ...miscounted, ...overfull(id, claimed, capacity)];
  });
}
