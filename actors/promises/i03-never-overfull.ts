/**
 * I3: the sum of the claims on a host never exceeds what it has; nor does a claim break its group's rule, or
 * a create the quota of its project (groups-and-quotas.ts). The sums are kept here, from the claims
 * themselves; that the store's own sums agree with them is judged when all is quiet.
 */
import type { ClaimRecord, MachineKey, Turn } from "../runtime/records.ts";
import type { Amounts, Checker, Quiet } from "./facts.ts";
import { groupsAndQuotas } from "./groups-and-quotas.ts";
import { isCommitted } from "./ledger.ts";

interface Known {
  readonly capacities: Map<string, Amounts>;
  readonly sums: Map<string, Amounts>;
  readonly claims: Map<string, ClaimRecord>;
}

const nothing: Amounts = { vcpus: 0, memoryMib: 0, diskGib: 0 };
const resources = ["vcpus", "memoryMib", "diskGib"] as const;

export function neverOverfull(): Checker {
  const known: Known = { capacities: new Map(), sums: new Map(), claims: new Map() };
  const rulesBrokenBy = groupsAndQuotas();
  return {
    promise: "I3",
    see(fact) {
      if (fact.kind === "quiet") return still(fact);
      if (!isCommitted(fact)) return [];
      return [...applied(known, fact.turn), ...rulesBrokenBy(fact.turn)];
    },
  };
}

function applied(known: Known, turn: Turn): readonly string[] {
  const { capacities, sums } = known;
  const touched = new Set<string>();
  for (const host of turn.hosts ?? []) {
    capacities.set(host.hostId, host);
    touched.add(host.hostId);
  }
  for (const { hostId } of turn.hostsRemoved ?? [])
    for (const claim of [...known.claims.values()]) if (claim.hostId === hostId) release(known, claim);
  for (const key of turn.claimsReleased ?? []) release(known, key);
  for (const claim of turn.claims ?? []) {
    take(known, claim);
    touched.add(claim.hostId);
  }
  return [...touched].flatMap((id) => overfull(id, sums.get(id) ?? nothing, capacities.get(id)));
}

const keyOf = ({ instanceId, epoch }: MachineKey) => `${instanceId} ${epoch}`;

function take(known: Known, claim: ClaimRecord): void {
  release(known, claim);
  known.claims.set(keyOf(claim), claim);
  known.sums.set(claim.hostId, plus(known.sums.get(claim.hostId) ?? nothing, claim, 1));
}

function release({ claims, sums }: Known, key: MachineKey): void {
  const claim = claims.get(keyOf(key));
  if (claim === undefined) return;
  claims.delete(keyOf(key));
  sums.set(claim.hostId, plus(sums.get(claim.hostId) ?? nothing, claim, -1));
}

function plus(sum: Amounts, added: Amounts, times: 1 | -1): Amounts {
  return {
    vcpus: sum.vcpus + times * added.vcpus,
    memoryMib: sum.memoryMib + times * added.memoryMib,
    diskGib: sum.diskGib + times * added.diskGib,
  };
}

/** A host that never told what it has cannot be judged. */
function overfull(hostId: string, sum: Amounts, capacity: Amounts | undefined): readonly string[] {
  if (capacity === undefined) return [];
  return resources
    .filter((resource) => sum[resource] > capacity[resource])
    .map((one) => `Host ${hostId} is overfull: ${sum[one]} of ${capacity[one]} ${one} are claimed.`);
}

function still({ hosts, claims }: Quiet): readonly string[] {
  const sums = new Map<string, Amounts>();
  for (const claim of claims ?? []) {
    sums.set(claim.hostId, plus(sums.get(claim.hostId) ?? nothing, claim, 1));
  }
  return hosts.flatMap(({ id, claimed, capacity }) => {
    const sum = claims === undefined ? claimed : (sums.get(id) ?? nothing);
    const wrong = resources
      .filter((resource) => claimed[resource] !== sum[resource])
      .map((one) => `Host ${id} counts ${claimed[one]} ${one} as claimed, but its claims are ${sum[one]}.`);
    return [...wrong, ...overfull(id, claimed, capacity)];
  });
}
