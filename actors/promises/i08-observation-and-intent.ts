/**
 * I8: an observation never overrides a newer intent. A commit without a request may change the intent only
 * because the guest shut itself down, or an interface could not be attached; and it may fail an instance, or
 * end an operation as done, only by an observation of the present intent. An accepted evacuation releases a
 * claim on a lost host in the same commit: an intent alone moves nothing.
 */
import type { Commit } from "../records/commit.ts";
import type { InstanceRecord, MachineRecord } from "../records/instance.ts";
import { same } from "./equality.ts";
import type { Checker } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";

export function observationAndIntent(): Checker {
  const ledger = createLedger();
  return {
    promise: "I8",
    see(fact) {
      if (!isCommitted(fact)) return [];
      const { commit } = fact;
      const broken = commit.request === undefined ? unasked(ledger, commit) : asked(ledger, commit);
      ledger.apply(fact.commit);
      return broken;
    },
  };
}

/** A command raises the generation: its own commit cannot know yet that a host has acted on it. */
function asked(ledger: Ledger, commit: Commit): readonly string[] {
  return [...stayed(commit), ...changesOf(ledger, commit).flatMap((change) => endFaults(change))];
}

function stayed({ events = [], claimsReleased = [] }: Commit): readonly string[] {
  return events.flatMap(({ event, id, body }) => {
    if (event !== "accepted" || body.command !== "evacuate" || body.changed !== true) return [];
    if (claimsReleased.some(({ instanceId }) => instanceId === id)) return [];
    return [`The evacuation of instance ${id} was accepted, and it stays where it is.`];
  });
}

interface Change {
  readonly before: InstanceRecord;
  readonly row: InstanceRecord;
  /** The machine of the owner epoch before the commit: its newest observation, this commit's included. */
  readonly machine: MachineRecord | undefined;
  readonly commit: Commit;
  readonly ledger: Ledger;
}

function unasked(ledger: Ledger, commit: Commit): readonly string[] {
  return changesOf(ledger, commit).flatMap((change) => [
    ...intentFaults(change),
    ...failureFaults(change),
    ...endFaults(change),
  ]);
}

/** Of instances that were there before the commit. */
function changesOf(ledger: Ledger, commit: Commit): readonly Change[] {
  return (commit.instances ?? []).flatMap(({ row }): readonly Change[] => {
    const before = ledger.row(row.id);
    if (before === undefined) return [];
    const told = commit.machines?.find(
      (one) => one.instanceId === row.id && one.ownerEpoch === before.ownerEpoch,
    );
    const machine = told ?? ledger.machines(row.id).get(before.ownerEpoch);
    return [{ before, row, machine, commit, ledger }];
  });
}

const intentFields = ["desired", "generation", "resetCount", "startCount"] as const;

function intentFaults({ before, row, machine, commit }: Change): readonly string[] {
  const changed = intentFields.filter((field) => before[field] !== row[field]);
  if (changed.length === 0) return [];
  const isStep = changed.join() === "generation" && row.generation === before.generation + 1;
  if (isStep && takesBack(commit, row.id)) return [];
  const ofGuest =
    row.desired === "stopped" &&
    row.generation === before.generation + 1 &&
    row.resetCount === before.resetCount &&
    row.startCount === before.startCount;
  const shutDown = machine?.reason === "guestShutdown" && machine.intentGeneration === before.generation;
  if (ofGuest && shutDown) return [];
  return [
    `Instance ${row.id}: ${changed.join(", ")} changed at generation ${before.generation}, and nobody asked.`,
  ];
}

/** What was to be attached leaves again, in the commit that fails its operation. */
const takesBack = ({ events = [] }: Commit, instanceId: string): boolean =>
  events.some(
    ({ event, id, body }) =>
      event === "operationEnded" &&
      id === instanceId &&
      (body.kind === "interfaceAttach" || body.kind === "volumeAttach") &&
      body.state === "failed",
  );

/** Reasons that only a host can have found. */
const seenByHost: ReadonlySet<string> = new Set([
  "guestFailed",
  "diskFull",
  "imageMissing",
  "hypervisorRefused",
  "crashLoop",
  "diskMissing",
]);

function failureFaults({ before, row, machine }: Change): readonly string[] {
  const { failure, id, generation } = row;
  if (failure === null || same(failure, before.failure) || !seenByHost.has(failure.reason)) return [];
  if (machine?.state === "failed" && machine.intentGeneration === generation) return [];
  // An intent that its host could not write down leaves no machine to see.
  if (failure.reason === "diskFull" && (machine?.intentGeneration ?? 0) < generation) return [];
  const seen = machine === undefined ? "nothing" : `generation ${machine.intentGeneration} ${machine.state}`;
  return [`Instance ${id} failed (${failure.reason}) at generation ${generation}, but seen was ${seen}.`];
}

function endFaults(change: Change): readonly string[] {
  const { row, commit, machine } = change;
  const done = (commit.events ?? []).some(
    ({ event, id, body }) => event === "operationEnded" && id === row.id && body.state === "done",
  );
  if (!done || isReached(change)) return [];
  const seen = machine === undefined ? "nothing" : `generation ${machine.intentGeneration} ${machine.state}`;
  return [`Instance ${row.id}: an operation is done at generation ${row.generation}, but seen was ${seen}.`];
}

function isReached({ row, machine, commit, ledger }: Change): boolean {
  if (row.desired === "deleted") return isAway(row, commit, ledger);
  // No host has anything of the instance: it counts as stopped.
  if (row.desired === "stopped" && row.hostId === null) return true;
  return machine?.intentGeneration === row.generation;
}

/** No claim is left, or the delete is parked: then work goes on, and the event says so. */
function isAway(
  { id }: InstanceRecord,
  { claimsReleased = [], events = [] }: Commit,
  ledger: Ledger,
): boolean {
  const released = new Set(
    claimsReleased.filter((key) => key.instanceId === id).map(({ ownerEpoch }) => ownerEpoch),
  );
  if ([...ledger.claims(id).keys()].every((ownerEpoch) => released.has(ownerEpoch))) return true;
  return events.some((told) => told.event === "deleted" && told.id === id && told.body.parked === true);
}
