/**
 * Why a host is known not to run its guests any more: the proof that must stand before any of them starts
 * elsewhere (I9). Kept with the host's lease, and told with every recovery. Schemas and sentences only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { answer, Count, literals, TimeMs } from "./schema.ts";

export const FenceProof = answer({
  /**
   * `lease`: it ended, and the time after which the host's guard has stopped everything has passed. `power`:
   * the controller of its power says off. `operator`: a person signed that it is off.
   */
  kind: literals(["lease", "power", "operator"]),
  /** Of the lease that it ends. */
  leaseEpoch: Count,
  /** `lease`: how long nothing was renewed, on the monotonic clock of the controller that watched. */
  silentMs: Type.Optional(Count),
  /** Who watched, which power controller said so (its address), or who signed. */
  by: Type.String(),
  /** What was said, or signed. */
  said: Type.String(),
  atMs: TimeMs,
});
export type FenceProof = Static<typeof FenceProof>;

/** One public sentence, without its full stop. */
export function sentenceOf(proof: FenceProof): string {
  switch (proof.kind) {
    case "lease":
      return `lease ${proof.leaseEpoch} was not renewed for ${((proof.silentMs ?? 0) / 1_000).toFixed(1)} s, and its guard time has passed`;
    case "power":
      return `the power controller ${proof.by} said: ${proof.said}`;
    case "operator":
      return `${proof.by} signed that the host is off: ${proof.said}`;
  }
}
