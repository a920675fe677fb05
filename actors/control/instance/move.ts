/**
 * A move with the help of its present host: one commit claims room on another host and makes the present
 * owner let go; the present host is told, and the instance starts on the other one when the present one has
 * reported `gone`. Pure.
 */
import { lifeLimits } from "../../../protocol/limits/life.ts";
import type { InstanceRecord, LoadedInstance } from "../../records/instance.ts";
import {
  beginOperation,
  type Draft,
  draft,
  withEvent,
  withInstance,
  withStep,
  withTarget,
} from "./change.ts";
import { allowedMs, operationOf } from "./command.ts";
import type { Decision, HostPlacement, MoveEvent } from "./messages.ts";
import { committed, unchanged } from "./observed.ts";
import { claimOf } from "./reconcile.ts";
import { opensElsewhere, workEffects } from "./state.ts";
import { localVolume } from "./volumes.ts";

/** Why the instance must stay on its host, as a sentence; undefined: it may go. */
export function moveDenied(instance: InstanceRecord): string | undefined {
  if (!opensElsewhere(instance)) return "Its disk is only on this host.";
  const local = localVolume(instance);
  if (local !== undefined) return `Its volume ${local.volumeId} is only on this host.`;
  const { policy } = instance.recovery;
  if (policy !== "restart") return `Its recovery policy is ${policy}: it stays with its host.`;
  return instance.desired === "paused"
    ? "It is paused: a guest that hears nothing is not shut down."
    : undefined;
}

/** How long the instance may take to leave its host and to be up on another one. */
export const moveAllowedMs = (instance: InstanceRecord): number =>
  allowedMs({ ...instance, stop: gracefully(instance) }, "move");

const gracefully = ({ stop: { timeoutMs } }: InstanceRecord): InstanceRecord["stop"] => ({
  mode: "graceful",
  timeoutMs: timeoutMs > 0 ? timeoutMs : lifeLimits.stopTimeoutMsDefault,
});

/** True while something is under way with the instance; when that has ended, it may go. */
export function isBusy({ built, operationId, desired }: InstanceRecord): boolean {
  return !built || operationId !== null || desired === "deleted";
}

export function decideMove(loaded: LoadedInstance, event: MoveEvent): Decision {
  const { instance } = loaded;
  const elsewhere = instance.hostId !== event.hostId || event.to?.hostId === event.hostId;
  if (elsewhere || isBusy(instance) || moveDenied(instance) !== undefined) return unchanged(loaded);
  const wanted = instance.desired !== "stopped";
  if (wanted && event.to === null) return unchanged(loaded);
  const { operationId, nowMs } = event;
  const left = withInstance(draft(loaded, nowMs), {
    hostId: null,
    stop: gracefully(instance),
    attempt: 0,
    excludedHosts: [],
    failure: null,
  });
  const cause = { kind: "move", operationId, requestId: operationId, nowMs } as const;
  const begun = beginOperation(left, operationOf(left.after.instance, cause));
  const targeted = event.to === null ? begun : withTarget(begun, event.to);
  const told = withStep(targeted, { step: "leaving", percent: 5, message: "Its host is drained." });
  const announced = withEvent(told, {
    event: "leaving",
    body: { hostId: event.hostId, ownerEpoch: instance.ownerEpoch },
  });
  const decision = committed(wanted && event.to !== null ? withRoom(announced, event.to) : announced);
  return { ...decision, effects: workEffects(decision.next) };
}

/**
 * Adds the claim on the other host to the commit that lets the instance go: if that host is full by then, the
 * guest stays where it runs.
 */
function withRoom(it: Draft, to: HostPlacement): Draft {
  const { instance, claims } = it.after;
  const room = claimOf({ instance: { ...instance, ownerEpoch: instance.ownerEpoch + 1 } }, to);
  return { ...it, after: { ...it.after, claims: [...claims, room] } };
}
