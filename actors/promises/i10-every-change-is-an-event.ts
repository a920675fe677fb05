/**
 * I10: each accepted command, each edit and each change of state is an event of the same commit, once, with
 * why when a guest ended by itself; events are numbered without gaps, a watcher gets them in order, and a
 * sink gets each at least once, none before those in front of it.
 * Whether events add up to the final rows is judged by `replay.ts`.
 */
import { isLossReason } from "../../protocol/states.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Commit, NewEvent } from "../records/commit.ts";
import type { InstanceRecord } from "../records/instance.ts";
import { same } from "./equality.ts";
import type { Checker, Committed, Delivered, Quiet, Watched } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";
import { replayFaults } from "./replay.ts";

interface Known {
  readonly ledger: Ledger;
  /** Operations that were committed as running and have not ended. */
  readonly underWay: Set<string>;
  readonly watchers: Map<string, number>;
  /** By sink: it has got every event up to this number. */
  readonly sinks: Map<string, number>;
  lastSequence: number;
}

export function everyChangeIsAnEvent(): Checker {
  const known: Known = {
    ...{ ledger: createLedger(), underWay: new Set(), lastSequence: 0 },
    ...{ watchers: new Map(), sinks: new Map() },
  };
  return {
    promise: "I10",
    see(fact) {
      if (fact.kind === "watched") return watched(known, fact);
      if (fact.kind === "delivered") return delivered(known, fact);
      if (fact.kind === "quiet") return [...replayFaults(fact), ...undelivered(known, fact)];
      return isCommitted(fact) ? committed(known, fact) : [];
    },
  };
}

function committed(known: Known, { commit, result }: Committed): readonly string[] {
  const broken = [
    ...(result.kind === "committed" ? numberFaults(known, commit, result.lastSequence) : []),
    ...(commit.instances ?? []).flatMap(({ row }) => rowFaults(known.ledger.row(row.id), row, commit)),
    ...endFaults(known, commit),
  ];
  known.ledger.apply(commit);
  return broken;
}

function numberFaults(known: Known, { events = [] }: Commit, lastSequence: number): readonly string[] {
  const expected = events.length === 0 ? 0 : known.lastSequence + events.length;
  const before = known.lastSequence;
  known.lastSequence = Math.max(before, lastSequence);
  if (lastSequence === expected) return [];
  return [`${events.length} events after number ${before} were numbered up to ${lastSequence}.`];
}

const eventsOf = (
  { events = [] }: Commit,
  { id, noun = "instance" }: { readonly id: string; readonly noun?: string },
  name: string,
): readonly NewEvent[] =>
  events.filter((told) => told.noun === noun && told.id === id && told.event === name);

const written = ["name", "description", "metadata", "lock"] as const;

/** Texts and lock change with exactly one event `changed`, which says when nothing changed. */
function editFaults(
  before: InstanceRecord | undefined,
  row: InstanceRecord,
  commit: Commit,
): readonly string[] {
  const edited = before !== undefined && written.some((field) => !same(before[field], row[field]));
  const [only, ...more] = eventsOf(commit, row, "changed");
  const right = more.length === 0 && (only?.body.changed ?? false) === edited;
  if (right) return [];
  return [
    `Instance ${row.id} was ${edited ? "edited" : "not edited"}, and the events of that say otherwise.`,
  ];
}

function rowFaults(
  before: InstanceRecord | undefined,
  row: InstanceRecord,
  commit: Commit,
): readonly string[] {
  const accepted = before === undefined || row.generation > before.generation;
  const placed = before !== undefined && row.hostId !== null && row.hostId !== before.hostId;
  return [
    ...stateFaults(before, row, commit),
    ...editFaults(before, row, commit),
    ...(accepted ? told(row, commit, "accepted") : []),
    ...(placed ? told(row, commit, "placed") : []),
  ];
}

function told(row: InstanceRecord, commit: Commit, name: string): readonly string[] {
  const count = eventsOf(commit, row, name).length;
  const what = `Instance ${row.id} at version ${row.version}`;
  return count === 1 ? [] : [`${what}: ${count} events tell that it was ${name}.`];
}

function stateFaults(
  before: InstanceRecord | undefined,
  row: InstanceRecord,
  commit: Commit,
): readonly string[] {
  const changes = eventsOf(commit, row, "stateChanged");
  const from = before?.state ?? row.state;
  const right =
    from === row.state
      ? changes.length === 0
      : changes.length === 1 && changes[0]?.body.from === from && changes[0].body.to === row.state;
  if (right) return whyFaults(row, commit, changes[0]);
  const said = changes.map(({ body }) => `${body.from} to ${body.to}`).join(", ") || "nothing";
  return [`Instance ${row.id} went from ${from} to ${row.state}; the events say: ${said}.`];
}

/** The owner of a guest that ended by itself reads why where the change of its state is told. */
function whyFaults(row: InstanceRecord, { machines = [] }: Commit, change: NewEvent | undefined) {
  const machine = machines.find((one) => one.instanceId === row.id && one.ownerEpoch === row.ownerEpoch);
  if (change === undefined || row.hostId === null || machine === undefined) return [];
  if (!isLossReason(machine.reason) || change.body.reason === machine.reason) return [];
  return [`Instance ${row.id} became ${row.state} by ${machine.reason}, and its owner is not told.`];
}

/**
 * An operation that was under way ends with an event, once. A command that changed nothing brings an
 * operation that has ended already, without an event.
 */
function endFaults({ underWay }: Known, commit: Commit): readonly string[] {
  return (commit.operations ?? []).flatMap(({ id, noun, entityId, state }) => {
    if (state === "running") underWay.add(id);
    if (state === "running" || !underWay.delete(id)) return [];
    const ends = eventsOf(commit, { noun, id: entityId }, "operationEnded").filter(
      (told) => told.operationId === id,
    );
    if (ends.length === 1 && ends[0]?.body.state === state) return [];
    return [`Operation ${id} ended as ${state}, and ${ends.length} events tell of its end.`];
  });
}

function watched({ watchers }: Known, { watcher, project, event }: Watched): readonly string[] {
  const last = watchers.get(watcher);
  watchers.set(watcher, Math.max(last ?? 0, event.sequence));
  if (last === undefined) return [];
  if (event.sequence <= last) return [`Watcher ${watcher} saw event ${event.sequence} after ${last}.`];
  if (project !== adminProject || event.sequence === last + 1) return [];
  return [`Watcher ${watcher} missed the events from ${last + 1} to ${event.sequence - 1}.`];
}

/** Twice is right, and so is what was brought before; only a gap is not. */
function delivered({ sinks }: Known, { sink, sequences }: Delivered): readonly string[] {
  const broken: string[] = [];
  let last = sinks.get(sink) ?? 0;
  for (const sequence of sequences) {
    if (sequence > last + 1)
      broken.push(`The sink ${sink} got event ${sequence} before those from ${last + 1} to ${sequence - 1}.`);
    last = Math.max(last, sequence);
  }
  sinks.set(sink, last);
  return broken;
}

function undelivered({ sinks }: Known, { events, sinks: names = [] }: Quiet): readonly string[] {
  const last = events.at(-1)?.sequence ?? 0;
  return names
    .filter((sink) => (sinks.get(sink) ?? 0) < last)
    .map((sink) => `The sink ${sink} has events up to ${sinks.get(sink) ?? 0}, and ${last} were committed.`);
}
