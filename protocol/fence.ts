/**
 * Why a host is known not to run its guests any more: the proof that must stand before any of them starts
 * elsewhere (I9). Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { answer, Count, Id, literals, Sentence, TimeMs } from "./wire/schema.ts";

/**
 * Why it is sure that nothing of a host's guests runs any more, so that they may start elsewhere (I9). A
 * proof is for operators; what everybody may read of it is its sentence.
 */
export const FenceProof = Type.Union([
  answer({
    /** The lease ended, and so did the time in which the host's own guard stops every guest. */
    kind: Type.Literal("lease"),
    leaseEpoch: Count,
    /** So long nothing was renewed, on the monotonic clock of the controller that watched. */
    silentMs: Count,
    /** What the guard is given to stop the guests once the lease has ended. */
    guardMs: Count,
    /** The controller that saw it. */
    observedBy: Type.String(),
    atMs: TimeMs,
  }),
  answer({
    /**
     * Another host took its lease on the storage that both share: no process of it that could write there
     * lives, and none can be started any more.
     */
    kind: Type.Literal("storage"),
    leaseEpoch: Count,
    storageId: Id,
    /** The host that took it; it had seen it held before. */
    takenBy: Type.String(),
    /** The controller that asked for it. */
    observedBy: Type.String(),
    /** So long nothing was renewed. */
    silentMs: Count,
    atMs: TimeMs,
  }),
  answer({
    /** The controller of its power says off. */
    kind: Type.Literal("power"),
    control: literals(["redfish", "ipmi"]),
    /** Where that controller is. */
    address: Type.String(),
    /** In its own words. */
    said: Type.String(),
    tookMs: Count,
    atMs: TimeMs,
  }),
  answer({
    /** An operator signed that the host is off. */
    kind: Type.Literal("operator"),
    /** Proved: as whom the bus let the operator speak (spec/decisions/0013-who-an-operator-is.md). */
    by: Type.String(),
    /** Who the operator's client said to be: nobody has checked it. Absent: it said nothing. */
    claimedBy: Type.Optional(Type.String()),
    reason: Sentence,
    /** The host's name, as the operator had to type it. */
    confirmedName: Type.String(),
    atMs: TimeMs,
  }),
]);
export type FenceProof = Static<typeof FenceProof>;
