/**
 * I2: at no instant can two processes of one instance write to its disks, on whatever hosts and of whatever
 * owner epochs; and only the process that can write does. A process that its host's guard stopped, or its
 * agent paused, counts as unable to write only while its host is fenced: then it is never let go again.
 */
import type { Checker, Committed, DiskWritten, Fact, GuestHeld, GuestProcess, Quiet } from "./facts.ts";
import { Leases } from "./leases.ts";
import { isCommitted } from "./ledger.ts";

interface Process {
  readonly hostId: string;
  held: boolean;
}

/** The living processes of each instance, by `host/pid`. */
interface Known {
  readonly living: Map<string, Map<string, Process>>;
  readonly leases: Leases;
}

export function neverTwo(): Checker {
  const known: Known = { living: new Map(), leases: new Leases() };
  return { promise: "I2", see: (fact) => faultsOf(known, fact) };
}

function faultsOf(known: Known, fact: Fact): readonly string[] {
  switch (fact.kind) {
    case "guestStarted":
      return started(known, fact);
    case "guestEnded":
      return ended(known, fact);
    case "guestHeld":
    case "guestFree":
      return held(known, fact);
    case "committed":
      return isCommitted(fact) ? committed(known, fact) : [];
    case "diskWritten":
      return written(known, fact);
    case "quiet":
      return still(fact);
    default:
      return [];
  }
}

const nameOf = ({ hostId, pid }: { readonly hostId: string; readonly pid: number }) => `${hostId}/${pid}`;

function writers({ living, leases }: Known, instanceId: string): readonly string[] {
  return [...(living.get(instanceId) ?? [])]
    .filter(([, { hostId, held }]) => !(held && leases.isOut(hostId)))
    .map(([name]) => name);
}

function tooMany(known: Known, instanceId: string): readonly string[] {
  const names = writers(known, instanceId);
  if (names.length < 2) return [];
  return [`Instance ${instanceId} has ${names.length} processes that can write: ${names.join(", ")}.`];
}

function started(known: Known, fact: GuestProcess): readonly string[] {
  const processes = known.living.get(fact.instanceId) ?? new Map<string, Process>();
  const { hostId, held = false } = fact;
  known.living.set(fact.instanceId, processes.set(nameOf(fact), { hostId, held }));
  return tooMany(known, fact.instanceId);
}

function ended({ living }: Known, fact: GuestProcess): readonly string[] {
  const processes = living.get(fact.instanceId);
  processes?.delete(nameOf(fact));
  if (processes?.size === 0) living.delete(fact.instanceId);
  return [];
}

function held(known: Known, fact: GuestHeld): readonly string[] {
  const process = known.living.get(fact.instanceId)?.get(nameOf(fact));
  if (process === undefined) return [];
  process.held = fact.kind === "guestHeld";
  return tooMany(known, fact.instanceId);
}

/** A host that is granted a host lease again must have ended all guests of the one before. */
function committed(known: Known, fact: Committed): readonly string[] {
  known.leases.committed(fact);
  if (fact.commit.leasesGranted === undefined) return [];
  return [...known.living.keys()].flatMap((instanceId) => tooMany(known, instanceId));
}

function written(known: Known, fact: DiskWritten): readonly string[] {
  const names = writers(known, fact.instanceId);
  const writer = known.living.get(fact.instanceId)?.get(nameOf(fact));
  if (names.length === 1 && names[0] === nameOf(fact) && writer?.held === false) return [];
  const others = names.join(", ") || "none";
  return [`Instance ${fact.instanceId}: ${nameOf(fact)} wrote to the disk, but able to are: ${others}.`];
}

function still({ guests }: Quiet): readonly string[] {
  const byInstance = Map.groupBy(guests, ({ instanceId }) => instanceId);
  return [...byInstance].flatMap(([id, processes]) =>
    processes.length < 2
      ? []
      : [`Instance ${id} is left with ${processes.length} processes: ${processes.map(nameOf).join(", ")}.`],
  );
}
