/**
 * I2: at no instant two processes of one instance, on whatever hosts and of whatever epochs; and nobody but
 * the one living process writes to a disk.
 */
import type { Checker, DiskWritten, Fact, GuestProcess, Quiet } from "./facts.ts";

/** `host/pid` of the living processes, by instance. */
type Living = Map<string, Set<string>>;

export function neverTwo(): Checker {
  const living: Living = new Map();
  return { promise: "I2", see: (fact) => faultsOf(living, fact) };
}

function faultsOf(living: Living, fact: Fact): readonly string[] {
  switch (fact.kind) {
    case "guestStarted":
      return started(living, fact);
    case "guestEnded":
      return ended(living, fact);
    case "diskWritten":
      return written(living, fact);
    case "quiet":
      return still(fact);
    default:
      return [];
  }
}

const nameOf = ({ hostId, pid }: { readonly hostId: string; readonly pid: number }) => `${hostId}/${pid}`;

function started(living: Living, fact: GuestProcess): readonly string[] {
  const processes = living.get(fact.instanceId) ?? new Set();
  living.set(fact.instanceId, processes.add(nameOf(fact)));
  if (processes.size < 2) return [];
  return [`Instance ${fact.instanceId} has ${processes.size} processes: ${[...processes].join(", ")}.`];
}

function ended(living: Living, fact: GuestProcess): readonly string[] {
  const processes = living.get(fact.instanceId);
  processes?.delete(nameOf(fact));
  if (processes?.size === 0) living.delete(fact.instanceId);
  return [];
}

function written(living: Living, fact: DiskWritten): readonly string[] {
  const processes = living.get(fact.instanceId);
  if (processes?.size === 1 && processes.has(nameOf(fact))) return [];
  const others = [...(processes ?? [])].join(", ") || "none";
  return [`Instance ${fact.instanceId}: ${nameOf(fact)} wrote to the disk, but alive are: ${others}.`];
}

function still({ guests }: Quiet): readonly string[] {
  const byInstance = Map.groupBy(guests, ({ instanceId }) => instanceId);
  return [...byInstance].flatMap(([id, processes]) =>
    processes.length < 2
      ? []
      : [`Instance ${id} is left with ${processes.length} processes: ${processes.map(nameOf).join(", ")}.`],
  );
}
