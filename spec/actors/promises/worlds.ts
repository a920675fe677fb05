/**
 * Facts for specs of the promises: sound ones, each with only what the test at hand is about set by hand.
 * Rows are those of the stores' specs.
 */
import type {
  Amounts,
  Checker,
  Committed,
  Completed,
  GuestProcess,
  InstanceFacts,
  Invoked,
  Quiet,
  Watched,
} from "../../../actors/promises/facts.ts";
import type { Commit, NewEvent } from "../../../actors/records/commit.ts";
import type { InstanceRecord } from "../../../actors/records/instance.ts";
import type { Event } from "../../../protocol/event.ts";
import { event } from "../../support/store-rows.ts";

/** All that a checker says about a history. */
export const judged = (
  checker: Checker,
  facts: readonly Parameters<Checker["see"]>[0][],
): readonly string[] => facts.flatMap((fact) => checker.see(fact));

/** Commits, one after the other, with their events numbered from 1. */
export function history(...commits: readonly Commit[]): readonly Committed[] {
  let last = 0;
  return commits.map((commit) => {
    last += commit.events?.length ?? 0;
    return committed(commit, { lastSequence: commit.events?.length ? last : 0 });
  });
}

export function committed(commit: Commit, change: { lastSequence?: number; atMs?: number } = {}): Committed {
  const { lastSequence = commit.events?.length ?? 0, atMs = 1_000 } = change;
  return { kind: "committed", atMs, by: "controller-1", commit, result: { kind: "committed", lastSequence } };
}

/** The fact of the same commit when the store refused it. */
export const refused = (commit: Commit): Committed => ({
  ...committed(commit),
  result: { kind: "conflict" },
});

export function invoked(call: number, change: Partial<Invoked> = {}): Invoked {
  return {
    kind: "invoked",
    atMs: 1_000,
    call,
    client: "client-1",
    project: "demo",
    method: "instance.start",
    id: "i",
    requestId: `r-${call}`,
    request: {},
    ...change,
  };
}

export function completed(call: number, change: Partial<Completed> = {}): Completed {
  return { kind: "completed", atMs: 1_100, call, outcome: "ok", answer: {}, ...change };
}

/** The answer of a command, as far as a promise is about it. */
export const changed = (id: string, generation: number, operation = `op-${id}`) => ({
  instance: { id, generation, project: "demo" },
  operation: { id: operation, project: "demo" },
});

export function guest(kind: GuestProcess["kind"], change: Partial<GuestProcess> = {}): GuestProcess {
  return { kind, atMs: 1_000, hostId: "h1", instanceId: "i", ownerEpoch: 1, pid: 100, ...change };
}

export function told(sequence: number, change: Partial<NewEvent> = {}): Event {
  return { ...event("i", "stateChanged", change), sequence };
}

export function seen(
  sequence: number,
  change: Partial<Omit<Watched, "event">> = {},
  project = "demo",
): Watched {
  const { kind = "watched", atMs = 1_000, watcher = "w", project: of = "admin" } = change;
  return { kind, atMs, watcher, project: of, event: told(sequence, { project }) };
}

export function facts(id: string, change: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    id,
    project: "demo",
    state: "running",
    desired: "running",
    generation: 1,
    hostId: "h1",
    ownerEpoch: 1,
    operationId: null,
    failed: false,
    deleted: false,
    machine: { state: "running", intentGeneration: 1 },
    ...change,
  };
}

export const amounts = (vcpus: number, memoryMib = vcpus * 64, diskGib = vcpus): Amounts => ({
  vcpus,
  memoryMib,
  diskGib,
});

/** The fact `quiet` of a cell without instances, hosts or work. */
export function quiet(change: Partial<Quiet> = {}): Quiet {
  return {
    kind: "quiet",
    atMs: 60_000,
    instances: [],
    operations: [],
    hosts: [],
    guests: [],
    remains: [],
    events: [],
    eventsTrimmed: 0,
    findings: [],
    ...change,
  };
}

/** The commit that writes the next version of a row, with an event if its state changes. */
export function step(before: InstanceRecord, change: Partial<InstanceRecord>, rest: Commit = {}): Commit {
  const row = { ...before, version: before.version + 1, ...change };
  const body = { from: before.state, to: row.state };
  const events = row.state === before.state ? [] : [event(row.id, "stateChanged", { body })];
  return {
    instances: [{ expectedVersion: before.version, row }],
    ...rest,
    events: [...(rest.events ?? []), ...events],
  };
}

/** The row that a commit writes. */
export function rowOf(commit: Commit): InstanceRecord {
  const [first] = commit.instances ?? [];
  if (first === undefined) throw new Error("The turn writes no instance.");
  return first.row;
}
