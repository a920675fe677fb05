/**
 * I1: each record has one writer, and its counters never fall. Judged by the commits: versions follow one
 * another, no version of a host is decided on twice, an owner epoch stays on its host, observations only get
 * newer, an operation that ended stays ended, a machine that has run keeps its shape.
 */

import { isSameShape } from "../../protocol/shape.ts";
import type { Commit } from "../records/commit.ts";
import type { InstanceRecord, MachineKey, OperationRecord } from "../records/instance.ts";
import { same } from "./equality.ts";
import type { Checker, GuestProcess } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";

interface Known {
  readonly ledger: Ledger;
  /** The one host of each owner epoch, by `instance epoch`. */
  readonly hosts: Map<string, string>;
  readonly ended: Map<string, OperationRecord>;
  /** The version of each host that was decided on last. */
  readonly decided: Map<string, number>;
  /** Versions of rows of resources, by noun and id. */
  readonly versions: Map<string, number>;
}

export function oneWriter(): Checker {
  const known: Known = {
    ...{ ledger: createLedger(), hosts: new Map(), ended: new Map() },
    ...{ decided: new Map(), versions: new Map() },
  };
  return {
    promise: "I1",
    see(fact) {
      if (fact.kind === "guestStarted") return guestFaults(known.ledger.row(fact.instanceId), fact);
      if (!isCommitted(fact)) return [];
      const { commit } = fact;
      const broken = [
        ...(commit.instances ?? []).flatMap(({ row }) => instanceFaults(known.ledger.row(row.id), row)),
        ...hostFaults(known, commit),
        ...observationFaults(known, commit),
        ...operationFaults(known, commit),
        ...versionFaults(known, commit),
        ...rowFaults(known, commit),
      ];
      known.ledger.apply(commit);
      return broken;
    },
  };
}

/** A host starts the guest of the present owner epoch, of a machine that may not be another one. */
function guestFaults(row: InstanceRecord | undefined, { hostId, ownerEpoch, shape }: GuestProcess): string[] {
  if (row === undefined || shape === undefined || row.ownerEpoch !== ownerEpoch) return [];
  if (isSameShape(row.shape, shape)) return [];
  return [`Instance ${row.id}: ${hostId} starts its machine with another shape than the instance has.`];
}

const counts = ["generation", "ownerEpoch", "resetCount", "startCount"] as const;

function instanceFaults(before: InstanceRecord | undefined, row: InstanceRecord): string[] {
  const last = before?.version ?? 0;
  const wrong =
    row.version === last + 1 ? [] : [`Instance ${row.id}: version ${row.version} came after ${last}.`];
  const reshaped = before?.built === true && !isSameShape(before.shape, row.shape);
  const fallen = counts.filter((count) => before !== undefined && row[count] < before[count]);
  return [
    ...wrong,
    ...(reshaped ? [`Instance ${row.id}: its machine has another shape than at its first boot.`] : []),
    ...fallen.map((count) => `Instance ${row.id}: ${count} fell from ${before?.[count]} to ${row[count]}.`),
  ];
}

/** A row of a resource is changed by who read it as it was, so that no change is lost. */
function rowFaults({ versions }: Known, { rows = [] }: Commit): string[] {
  return rows.flatMap((change) => {
    if ("removed" in change) return [];
    if ("patched" in change) {
      const patched = `${change.resource.noun} ${change.patched}`;
      versions.set(patched, (versions.get(patched) ?? 0) + 1);
      return [];
    }
    const row = "made" in change ? change.made : change.changed;
    const key = `${change.resource.noun} ${row.id}`;
    const last = "made" in change ? 0 : (versions.get(key) ?? 0);
    versions.set(key, row.version);
    return row.version === last + 1 ? [] : [`The ${key}: version ${row.version} came after ${last}.`];
  });
}

/**
 * Claims first: they say which host an owner epoch is for. A claim of a later owner epoch than the instance's
 * is only room kept for a move: no host is told of it, and it may be given back for room elsewhere.
 */
function hostFaults({ hosts, ledger }: Known, commit: Commit): string[] {
  const epochs = new Map((commit.instances ?? []).map(({ row }) => [row.id, row.ownerEpoch]));
  const present = (id: string) => epochs.get(id) ?? ledger.row(id)?.ownerEpoch ?? Number.POSITIVE_INFINITY;
  const claims = (commit.claims ?? []).filter(
    ({ instanceId, ownerEpoch }) => ownerEpoch <= present(instanceId),
  );
  const owners = (commit.instances ?? []).flatMap(({ row: { id, ownerEpoch, hostId } }) =>
    hostId === null ? [] : [{ instanceId: id, ownerEpoch, hostId, what: "row" }],
  );
  const placed: (MachineKey & { readonly hostId: string; readonly what: string })[] = [
    ...claims.map((claim) => ({ ...claim, what: "claim" })),
    ...owners,
    ...(commit.machines ?? []).map((machine) => ({ ...machine, what: "machine" })),
  ];
  return placed.flatMap(({ instanceId, ownerEpoch, hostId, what }) => {
    const key = `${instanceId} ${ownerEpoch}`;
    const host = hosts.get(key) ?? hostId;
    hosts.set(key, host);
    if (host === hostId) return [];
    return [
      `Instance ${instanceId}: epoch ${ownerEpoch} belongs to host ${host}, but its ${what} names ${hostId}.`,
    ];
  });
}

/** An observation that is not newer must equal the known one. A machine that is gone may be made anew. */
function observationFaults({ ledger }: Known, { machines = [], machinesGone = [] }: Commit): string[] {
  return machines.flatMap((machine) => {
    const { instanceId, ownerEpoch, generation } = machine;
    const known = ledger.machines(instanceId).get(ownerEpoch);
    const gone = machinesGone.some((key) => key.instanceId === instanceId && key.ownerEpoch === ownerEpoch);
    if (known === undefined || gone || generation > known.generation || same(machine, known)) return [];
    return [
      `Instance ${instanceId}: observation ${generation} of epoch ${ownerEpoch} was written over ${known.generation}.`,
    ];
  });
}

function versionFaults({ decided }: Known, { hostsExpected = [] }: Commit): string[] {
  return hostsExpected.flatMap(({ hostId, version }) => {
    const last = decided.get(hostId) ?? -1;
    decided.set(hostId, Math.max(last, version));
    return version > last ? [] : [`Host ${hostId}: version ${version} was decided on after ${last}.`];
  });
}

function operationFaults({ ended }: Known, { operations = [] }: Commit): string[] {
  return operations.flatMap((operation) => {
    const end = ended.get(operation.id);
    if (end === undefined && operation.state !== "running") ended.set(operation.id, operation);
    if (end === undefined || same(end, operation)) return [];
    return [`Operation ${operation.id} had ended as ${end.state} and was changed to ${operation.state}.`];
  });
}
