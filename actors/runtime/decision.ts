/**
 * The shape of a decision: pure, given as a value. `decide(loaded, event)` says what the rows become, what to
 * write, what to answer and which effects to start; the shell (resident.ts) makes it real in this order:
 * commit, answer, act. This file must never import anything that runs.
 */
import type { Denial } from "../../protocol/wire/status.ts";
import type { Commit } from "../records/commit.ts";

/** The request behind a command: who asked, and what makes it repeatable. */
export interface RequestFacts {
  readonly project: string;
  readonly requestId: string;
  readonly contentHash: string;
}

/** `L`: the rows that were decided on; `F`: the effects. */
export interface Decision<L, F> {
  readonly outcome:
    | { readonly kind: "accepted" }
    | { readonly kind: "denied"; readonly denial: Denial }
    /** Nothing to write: the event was stale. */
    | { readonly kind: "unchanged" };
  readonly next: L;
  /** Absent when nothing is to be written. */
  readonly commit: Commit | undefined;
  /** What to start after the commit. Each may be done twice, or be lost: a nudge asks for it again. */
  readonly effects: readonly F[];
}

/** An admission: what the admission table says about a command in a state. */
export type Admission =
  /** Accept: the intent changes. */
  | { readonly kind: "go" }
  /** The state is as asked for already: answer success, change nothing. */
  | { readonly kind: "ignore" }
  | { readonly kind: "deny"; readonly reason: Denial["reason"] };

export const go: Admission = { kind: "go" };
export const ignore: Admission = { kind: "ignore" };
export const deny = (reason: Denial["reason"]): Admission => ({ kind: "deny", reason });
