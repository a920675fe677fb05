/**
 * Done, or cleanly undone: what the client was told at last, held against everything there is in the end.
 * Pure, and by value: a state of an instance is a word, any other thing is its noun and its last event.
 */
import type { Completed, InstanceFacts, Invoked, Quiet } from "../../actors/promises/facts.ts";
import type { InstanceOperationKind, OperationKind, OperationState } from "../../protocol/states.ts";
import { volumeWords } from "./crash-matrix-volumes-end.ts";

export interface Told {
  readonly method: string;
  readonly outcome: Completed["outcome"];
}

export interface Ended {
  readonly told: readonly Told[];
  /** Of the calls above, the oldest first. */
  readonly operations: readonly { readonly kind: OperationKind; readonly state: OperationState }[];
  /** Sorted. */
  readonly things: readonly string[];
  /** The fault itself was a host that says no: what it was asked may fail, with that reason. */
  readonly refused: boolean;
  /**
   * The guest's host was lost: what the guest did by itself just before is known to nobody. Absent: false.
   */
  readonly recovered?: boolean;
}

export interface Goal {
  readonly done: readonly (readonly string[])[];
  readonly undone: readonly (readonly string[])[];
}

const wantedBy: Readonly<Record<InstanceOperationKind, string>> = {
  create: "running",
  start: "running",
  reboot: "running",
  unpause: "running",
  pause: "paused",
  stop: "stopped",
  delete: "deleted",
  recover: "running",
  evacuate: "running",
  move: "running",
  interfaceAttach: "running",
  interfaceDetach: "running",
  volumeAttach: "running",
  volumeDetach: "running",
  volumeExtend: "running",
};

const isOfInstance = (kind: OperationKind): kind is InstanceOperationKind => kind in wantedBy;

/** What is wrong with the end, as a sentence; undefined when it is right. */
export function endFault(ended: Ended, goal: Goal): string | undefined {
  const { told, operations, things, refused, recovered = false } = ended;
  const failed = told.some(({ outcome }) => outcome === "failed");
  const open = told.some(({ outcome }) => outcome === "unknown");
  const broken = refused || operations.some(({ state }) => state === "failed");
  // Of two commands whose order the fault has changed, the later one counts.
  const last = operations.at(-1);
  const turned =
    told.length > 1 && last !== undefined && isOfInstance(last.kind) ? [[wantedBy[last.kind]]] : [];
  // A single call that was certainly refused must have left no trace.
  const denied = told.length === 1 && failed && operations.length === 0 && goal.undone.length > 0;
  const done = denied ? [] : [...goal.done, ...turned];
  const unseen = recovered && told.length === 0;
  const right = [...done, ...(failed || open || broken || unseen ? goal.undone : [])];
  if (right.some((wanted) => isLike(things, wanted, broken))) return undefined;
  const heard = told.map(({ method, outcome }) => `${method} ${outcome}`).join(", ") || "nothing";
  const wanted = right.map((list) => list.join(" and ") || "nothing").join(", or ");
  const found = things.join(" and ") || "nothing";
  return `The client was told: ${heard}. In the end there is ${found}, not ${wanted}.`;
}

/** Alike, whatever their order; what has failed with a reason, where something did fail, is as good. */
function isLike(things: readonly string[], wanted: readonly string[], broken: boolean): boolean {
  const left = [...wanted];
  const others = things.filter((thing) => {
    const at = left.indexOf(thing);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return others.length === left.length && others.every((thing) => broken && thing === "failed");
}

/**
 * Everything there is at a quiet point, but for what was set up before. Flavors, images and hosts by what was
 * told of them last.
 */
export function thingsIn({ instances, events, volumes }: Quiet, sinceMs: number): readonly string[] {
  const states = instances.map(({ state, failed, written }) => {
    const word = state === "failed" && !failed ? "failed without a reason" : state;
    return [word, ...writtenWords(written)].join(" ");
  });
  const others = new Map(
    events
      .filter(({ noun, event, atMs }) => !isSeen(noun) && !isBirth(noun, event) && atMs >= sinceMs)
      .map(({ noun, id, event, body }) => [`${noun} ${id}`, `${noun} ${stateIn(noun, event, body)}`]),
  );
  const seen = volumes === undefined ? [] : volumeWords(volumes);
  return [...states, ...seen, ...others.values()].sort();
}

/** True for instances and volumes: their rows are read, and their events are left out. */
const isSeen = (noun: string): boolean => noun === "instance" || noun === "volume";

/** Of an image whose bytes come or go: its state, or how the operation has ended that makes the image. */
const stateIn = (noun: string, event: string, body: Readonly<Record<string, unknown>>): unknown =>
  noun === "image" && (event === "stateChanged" || event === "operationEnded") ? body.state : event;

/** Metadata in the order of the keys, then the lock. */
function writtenWords({ metadata, lockedBy }: InstanceFacts["written"] = nothingWritten): readonly string[] {
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return [...pairs.sort(), ...(lockedBy === null ? [] : [`locked by ${lockedBy}`])];
}

const nothingWritten = { metadata: {}, lockedBy: null };

/**
 * An agent that starts says who it is, a host that was away for long gets another lease, and its guard says
 * what it did meanwhile; while it is the only host, recovery waits for it. How an operation of a host ends is
 * judged by the operation.
 */
const isBirth = (noun: string, event: string): boolean =>
  noun === "recovery" ||
  (noun === "host" && ["registered", "fenced", "leaseGranted", "guarded", "operationEnded"].includes(event));

/** What became of the calls, and of the operations that they began. */
export function toldAndBegun(
  calls: readonly { readonly invoked: Invoked; readonly completed: Completed | undefined }[],
  quiet: Quiet,
): Pick<Ended, "told" | "operations"> {
  const requests = new Set(calls.map(({ invoked }) => invoked.requestId));
  return {
    told: calls.map(({ invoked, completed }) => ({
      method: invoked.method,
      outcome: completed?.outcome ?? "unknown",
    })),
    operations: quiet.operations
      .filter(({ requestId }) => requests.has(requestId))
      .toSorted((a, b) => a.startedAtMs - b.startedAtMs)
      .map(({ kind, state }) => ({ kind, state })),
  };
}
