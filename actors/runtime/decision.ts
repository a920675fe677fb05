/**
 * The shape of a decision: pure, given as a value. `decide(state, event)` says what the state becomes, what
 * to write, what to answer and which effects to start; the shell (actor.ts of each actor) makes it real in
 * this order: commit, answer, act. This file must never import anything that runs.
 */
import type { Denial } from "../../protocol/wire/status.ts";

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
