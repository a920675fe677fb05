/**
 * Locks: a locked instance refuses what its project asks for. Operators are refused nothing, and what happens
 * without being asked for (recoveries, moves, reports, deadlines) never looks at a lock: a lock keeps people
 * from mistakes, and must not keep a guest from its next host. Pure.
 */
import type { LockHolder } from "../../../protocol/kinds.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { InstanceRecord, LoadedInstance } from "../../records/instance.ts";
import type { RequestFacts } from "../../runtime/decision.ts";
import type { Decision } from "./messages.ts";

export const holderOf = ({ project }: Pick<RequestFacts, "project">): LockHolder =>
  project === adminProject ? "operators" : "project";

/**
 * Why the lock refuses this request; undefined: the request may pass. A tombstone has nothing left to keep.
 */
export function lockDenial(
  { id, name, lock, deletedAtMs }: Pick<InstanceRecord, "id" | "name" | "lock" | "deletedAtMs">,
  request: Pick<RequestFacts, "project">,
): Denial | undefined {
  if (lock === null || deletedAtMs !== null || holderOf(request) === "operators") return undefined;
  const who = lock.by === "operators" ? "an operator" : "its project";
  const why = lock.reason === null ? "" : `: ${lock.reason}`;
  return {
    reason: "instanceLocked",
    message: `Instance ${name} (${id}) was locked by ${who}${why}.`,
    details: { lockedBy: lock.by, lockedReason: lock.reason, lockedAtMs: lock.atMs },
  };
}

export function denied(loaded: LoadedInstance, denial: Denial): Decision {
  return { outcome: { kind: "denied", denial }, next: loaded, commit: undefined, effects: [] };
}
