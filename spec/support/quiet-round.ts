/** A round that nobody looks at, for what a loop does in each of its rounds. */
import type { Round } from "../../actors/runtime/periodic.ts";

export function quietRound(): Round {
  const nothing = () => undefined;
  return { signal: new AbortController().signal, fail: nothing, did: nothing };
}
