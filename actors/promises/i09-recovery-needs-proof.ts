/**
 * I9: an instance goes to another host only after each earlier host was proved to run no process of its
 * guest: by giving the claim back, which follows the host's `gone`; by the host's own last report that no
 * process is there; or by a fence of the host lease under which the claim was made. Silence proves nothing. A
 * fence by silence proves something only when nothing was renewed for the host lease's whole time; a fence by
 * the storage only when no process of a guest that another host may take over lives on that host.
 */
import { isDown, type MachineState } from "../../protocol/states.ts";
import type { Commit } from "../records/commit.ts";
import type { InstanceRecord, MachineKey } from "../records/instance.ts";
import type { Checker, GuestHeld, GuestProcess } from "./facts.ts";
import { Leases } from "./leases.ts";
import { isCommitted } from "./ledger.ts";

/** The claim of an owner epoch, and the last state that its host reported; `undefined`: none yet. */
interface Claimed {
  readonly hostId: string;
  readonly leaseEpoch: number;
  last: MachineState | undefined;
}

interface Owned {
  ownerEpoch: number;
  hostId: string | null;
  /**
   * Other hosts can open its disk, or it has none: a guest under a host lease is stopped when that lease
   * ends.
   */
  opensElsewhere: boolean;
  /** It is deleted, and has no addresses that its guest could still send from (N1). */
  harmless: boolean;
  readonly claimed: Map<number, Claimed>;
}

type Known = Map<string, Owned>;
/** Living processes by host and pid. */
type Living = Map<string, Map<number, GuestProcess>>;

export function recoveryNeedsProof(): Checker {
  const known: Known = new Map();
  const living: Living = new Map();
  const leases = new Leases();
  return {
    promise: "I9",
    see(fact) {
      if (fact.kind === "guestStarted" || fact.kind === "guestEnded") lives(living, fact);
      // A process that was starting when its host was fenced may exist, but must never run.
      if (fact.kind === "guestStarted" && leases.isOut(fact.hostId)) return [];
      if (fact.kind === "guestStarted" || fact.kind === "guestFree") return started(known, fact);
      if (fact.kind === "leaseRenewed") leases.renewed(fact);
      if (!isCommitted(fact)) return [];
      return [
        ...leases.committed(fact),
        ...inhabited(known, living, fact.commit),
        ...unfenced(known, leases, fact.commit),
        ...removed(known, leases, fact.commit),
        ...committed(known, fact.commit),
      ];
    },
  };
}

function lives(living: Living, fact: GuestProcess): void {
  const there = living.get(fact.hostId) ?? new Map<number, GuestProcess>();
  living.set(fact.hostId, there);
  if (fact.kind === "guestStarted") there.set(fact.pid, fact);
  else there.delete(fact.pid);
}

/**
 * A fence by the storage: no process of a guest that another host may take over may live on the host, not
 * even stopped.
 */
function inhabited(known: Known, living: Living, { leasesFenced = [] }: Commit): readonly string[] {
  const given = leasesFenced.filter(({ proof }) => proof.kind === "storage");
  return given.flatMap(({ hostId }) =>
    [...(living.get(hostId)?.values() ?? [])]
      .filter(({ instanceId, ownerEpoch }) => {
        const owned = known.get(instanceId);
        const claim = owned?.claimed.get(ownerEpoch);
        return claim?.hostId === hostId && claim.leaseEpoch > 0 && owned?.opensElsewhere === true;
      })
      .map(({ instanceId }) => `The storage gave up ${hostId} while a process of ${instanceId} lived there.`),
  );
}

/** A recovery may release claims only under a host lease that is fenced at that moment. */
function unfenced(known: Known, leases: Leases, commit: Commit): readonly string[] {
  const recovers = commit.events?.some(({ event }) => event === "hostFenced") === true;
  if (!recovers && commit.fencesExpected === undefined) return [];
  return (commit.claimsReleased ?? []).flatMap(({ instanceId, ownerEpoch }) => {
    const claim = known.get(instanceId)?.claimed.get(ownerEpoch);
    if (claim === undefined || leases.isFenced(claim.hostId, claim.leaseEpoch)) return [];
    return [`Instance ${instanceId} leaves ${claim.hostId}, whose lease ${claim.leaseEpoch} is not fenced.`];
  });
}

/** Forgetting a host removes its claims: their guests must be proved not to run any more. */
function removed(known: Known, leases: Leases, commit: Commit): readonly string[] {
  return (commit.hostsRemoved ?? []).flatMap(({ hostId }) =>
    [...known].flatMap(([id, { claimed, opensElsewhere, harmless }]) =>
      [...claimed]
        .filter(([, claim]) => claim.hostId === hostId)
        .flatMap(([ownerEpoch, claim]) => {
          claimed.delete(ownerEpoch);
          if (isDown(claim.last ?? "running")) return [];
          if (!leases.isOut(hostId))
            return [`Instance ${id} is forgotten with ${hostId}, which is not fenced.`];
          const stopped = harmless || leases.isOff(hostId) || (opensElsewhere && claim.leaseEpoch > 0);
          return stopped ? [] : [`Instance ${id} is forgotten with ${hostId}, whose fence does not stop it.`];
        }),
    ),
  );
}

function committed(known: Known, commit: Commit): readonly string[] {
  for (const key of commit.claimsReleased ?? []) known.get(key.instanceId)?.claimed.delete(key.ownerEpoch);
  for (const claim of commit.claims ?? []) {
    const { claimed } = ownedOf(known, claim.instanceId);
    claimed.set(claim.ownerEpoch, { hostId: claim.hostId, leaseEpoch: claim.leaseEpoch, last: undefined });
  }
  for (const key of commit.machinesGone ?? []) heard(known, key, "gone");
  for (const machine of commit.machines ?? []) heard(known, machine, machine.state);
  return (commit.instances ?? []).flatMap(({ row }) => moved(known, row));
}

function ownedOf(known: Known, id: string): Owned {
  const owned = known.get(id) ?? {
    ownerEpoch: 0,
    hostId: null,
    opensElsewhere: false,
    harmless: false,
    claimed: new Map(),
  };
  known.set(id, owned);
  return owned;
}

function heard(known: Known, { instanceId, ownerEpoch }: MachineKey, state: MachineState): void {
  const claim = known.get(instanceId)?.claimed.get(ownerEpoch);
  if (claim !== undefined) claim.last = state;
}

function moved(known: Known, row: InstanceRecord): readonly string[] {
  const { id, ownerEpoch, hostId, image, flavor } = row;
  const owned = ownedOf(known, id);
  owned.opensElsewhere = row.storageId !== null || (image.disk === null && flavor.diskGib === 0);
  owned.harmless = row.deletedAtMs !== null && (row.interfaces ?? []).length === 0;
  const elsewhere = ownerEpoch > owned.ownerEpoch || (hostId !== null && hostId !== owned.hostId);
  owned.ownerEpoch = ownerEpoch;
  owned.hostId = hostId;
  return elsewhere && hostId !== null ? unproven(owned, id, `goes to ${hostId} as epoch ${ownerEpoch}`) : [];
}

/**
 * Every claim but the present owner epoch's on its present host must be proved to be without a process.
 * Claims of later owner epochs are room kept for a move: a start under one before it is committed is caught
 * by `started`.
 */
function unproven({ ownerEpoch, hostId, claimed }: Owned, id: string, what: string): readonly string[] {
  return [...claimed]
    .filter(
      ([old, claim]) =>
        old < ownerEpoch || (old === ownerEpoch && hostId !== null && claim.hostId !== hostId),
    )
    .filter(([, { last }]) => last === undefined || !isDown(last))
    .map(([old, claim]) => {
      const said = claim.last === undefined ? "nothing yet" : `"${claim.last}"`;
      return `Instance ${id} ${what}, but of epoch ${old} host ${claim.hostId} said ${said}.`;
    });
}

/**
 * A fault when the start is of another owner epoch than the committed one, or when an earlier owner may still
 * run the guest.
 */
function started(
  known: Known,
  { instanceId, hostId, ownerEpoch }: GuestProcess | GuestHeld,
): readonly string[] {
  const owned = known.get(instanceId);
  if (owned === undefined) return [];
  if (ownerEpoch !== owned.ownerEpoch) {
    return [
      `Instance ${instanceId}: host ${hostId} started epoch ${ownerEpoch}, but epoch ${owned.ownerEpoch} is committed.`,
    ];
  }
  return unproven(owned, instanceId, `was started on ${hostId} as epoch ${ownerEpoch}`);
}
