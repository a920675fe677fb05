/**
 * Fence proofs: the evidence that a host no longer runs its guests, which must be on record before any of
 * those guests starts on another host (I9). Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { answer, Count, Id, Sentence, TimeMs } from "./wire/schema.ts";

/**
 * Evidence that no guest of a host runs any more, so that its guests may start on other hosts (I9). Operators
 * see the whole proof; everybody else sees its sentence.
 */
export const FenceProof = Type.Union([
  answer({
    /** The host lease ended, and after it the time within which the host's own guard stops every guest. */
    kind: Type.Literal("lease"),
    leaseEpoch: Count,
    /** How long the host lease was not renewed, on the monotonic clock of the controller that watched. */
    silentMs: Count,
    /** The time that the guard is given to stop the guests once the host lease has ended. */
    guardMs: Count,
    /** The controller that saw the silence. */
    observedBy: Type.String(),
    atMs: TimeMs,
  }),
  answer({
    /**
     * Another host took this host's storage lease on the storage that both share: no process of this host
     * that could write to that storage lives, and none can be started any more.
     */
    kind: Type.Literal("storage"),
    leaseEpoch: Count,
    storageId: Id,
    /** The host that took the storage lease; it had seen this host hold it before. */
    takenBy: Type.String(),
    /** The controller that asked for the take-over. */
    observedBy: Type.String(),
    /** How long the host lease was not renewed. */
    silentMs: Count,
    atMs: TimeMs,
  }),
  answer({
    /** The power controller (BMC) of the host reports the power as off. */
    kind: Type.Literal("power"),
    /** `redfish`, `ipmi`, or the name of a plug-in's driver. */
    control: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
    /** Address of the power controller. */
    address: Type.String(),
    /** The power controller's answer, in its own words. */
    said: Type.String(),
    tookMs: Count,
    atMs: TimeMs,
  }),
  answer({
    /** An operator signed that the host is off. */
    kind: Type.Literal("operator"),
    /** The operator, as authenticated by the bus (spec/decisions/0013-who-an-operator-is.md). */
    by: Type.String(),
    /** The operator's name as the client gave it, unchecked. Absent: the client gave none. */
    claimedBy: Type.Optional(Type.String()),
    reason: Sentence,
    /** The host's name, as the operator had to type it. */
    confirmedName: Type.String(),
    atMs: TimeMs,
  }),
]);
export type FenceProof = Static<typeof FenceProof>;

/**
 * Whether the proof rests on the host's silence: it holds for guests under the host lease whose disks other
 * hosts can open, and for no other. A word or the power says more, and may replace it.
 */
export const isOfSilence = ({ kind }: Pick<FenceProof, "kind">): boolean =>
  kind === "lease" || kind === "storage";
