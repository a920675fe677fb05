/**
 * Replays the events of a quiet store from the beginning: the numbers must have no gap, the events must add
 * up to the present rows, and the event stream must hold the same events.
 */
import type { Event } from "../../protocol/event.ts";
import type { InstanceFacts, Quiet } from "./facts.ts";

/** An instance as its events add up. Undefined: the events that are kept do not reach back so far. */
interface Replayed {
  state: unknown;
  generation: number | undefined;
}

export function replayFaults(quiet: Quiet): readonly string[] {
  const replayed = replay(quiet.events);
  return [
    ...gaps(quiet),
    ...streamFaults(quiet),
    ...quiet.instances.flatMap((row) => rowFaults(row, replayed.get(row.id), quiet.eventsTrimmed > 0)),
  ];
}

function replay(events: readonly Event[]): ReadonlyMap<string, Replayed> {
  const replayed = new Map<string, Replayed>();
  for (const event of events) {
    if (event.noun !== "instance") continue;
    const it = replayed.get(event.id) ?? { state: undefined, generation: undefined };
    replayed.set(event.id, it);
    if (event.event === "stateChanged") it.state = event.body.to;
    if (event.event === "accepted") accept(it, event.body);
  }
  return replayed;
}

/** A command that changed nothing names no generation; a guest's own shutdown is the next one. */
function accept(it: Replayed, { command, changed, generation }: Event["body"]): void {
  if (command === "create") it.state ??= "building";
  if (typeof generation === "number") it.generation = Math.max(it.generation ?? 0, generation);
  else if (changed === true && it.generation !== undefined) it.generation += 1;
}

function rowFaults(row: InstanceFacts, told: Replayed | undefined, trimmed: boolean): readonly string[] {
  const { id, state, generation } = row;
  const broken: string[] = [];
  // A silent host makes a state unknown for whoever reads it; neither the row nor the events say so.
  if (state !== "unknown" && (told?.state ?? (trimmed ? state : undefined)) !== state) {
    broken.push(`Instance ${id} is ${state}, but its events end in ${told?.state ?? "nothing"}.`);
  }
  if ((told?.generation ?? (trimmed ? generation : 0)) !== generation) {
    const accepted = told?.generation ?? 0;
    broken.push(`Instance ${id} is at generation ${generation}, but its events accepted ${accepted}.`);
  }
  return broken;
}

function gaps({ events, eventsTrimmed }: Quiet): readonly string[] {
  const at = events.findIndex(({ sequence }, index) => sequence !== eventsTrimmed + index + 1);
  if (at === -1) return [];
  return [`The store has event ${events[at]?.sequence} where ${eventsTrimmed + at + 1} belongs.`];
}

/**
 * The event stream has every event that the store keeps, and may have older ones: it forgets later than the
 * store.
 */
function streamFaults({ stream, events, eventsTrimmed }: Quiet): readonly string[] {
  if (stream === undefined) return [];
  const last = events.at(-1)?.sequence ?? eventsTrimmed;
  const first = stream[0] ?? last + 1;
  const torn = stream.findIndex((sequence, index) => sequence !== first + index);
  if (torn !== -1) return [`The stream has event ${stream[torn]} where ${first + torn} belongs.`];
  if (stream.length === 0 && events.length === 0) return [];
  const end = stream.at(-1) ?? 0;
  if (end === last && first <= eventsTrimmed + 1) return [];
  return [`The stream has events ${first} to ${end}, the store ${eventsTrimmed + 1} to ${last}.`];
}
