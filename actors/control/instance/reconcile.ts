/**
 * Decides about events that nobody asked for: deadlines pass, hosts stay silent, messages are lost, the
 * scheduler finds a host. A lost message, a restarted controller and a slow host are treated alike: look at
 * the rows, and ask for what is missing. Pure.
 */
import { firstShape } from "../../../protocol/shape.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import type { ClaimRecord, InstanceRecord, LoadedInstance } from "../../records/instance.ts";
import { hostSizeOf } from "../../shared-storage/host-size.ts";
import {
  commitOf,
  type Draft,
  draft,
  endOperation,
  endWhatIsReached,
  withEvent,
  withInstance,
  withStep,
  withTarget,
} from "./change.ts";
import { releasedPorts } from "./interfaces.ts";
import type { Decision, HostPlacement, PlacedEvent, ReconcileEvent } from "./messages.ts";
import { committed, giveUp, unchanged } from "./observed.ts";
import { reclaimed } from "./reclaim.ts";
import { freed, lostOf } from "./recover.ts";
import { giveUpRevolume, isRevolume } from "./revolume.ts";
import { giveUpRewiring, isRewiring } from "./rewire.ts";
import { isAdrift, keptRoom, mayBePlaced, opensElsewhere, settledOf, workEffects } from "./state.ts";
import { raisedVolumes, releasedVolumes } from "./volumes.ts";

export function decideReconcile(loaded: LoadedInstance, event: ReconcileEvent): Decision {
  const { instance, operation } = loaded;
  const without = letGoByFences(loaded, event);
  if (without !== undefined) return without;
  if (operation !== undefined && event.nowMs > operation.deadlineAtMs) {
    const decision = committed(deadlinePassed(draft(loaded, event.nowMs), event));
    return { ...decision, effects: workEffects(decision.next) };
  }
  const reached = endWhatIsReached(draft(loaded, event.nowMs));
  const again = reclaimed(reached, event.leaseEpoch);
  if (again !== reached) {
    const decision = committed(again);
    return { ...decision, effects: workEffects(decision.next) };
  }
  const stale = settledOf(loaded) !== instance.settled;
  if (reached.events.length > 0 || stale) return committed(reached);
  // Its last claim went with its host: the disk that is left on shared storage has nothing of its addresses.
  if (releasedPorts(loaded).length > 0 || releasedVolumes(loaded).length > 0) {
    const decision = committed(reached);
    return { ...decision, effects: workEffects(decision.next) };
  }
  return settledOf(loaded) ? unchanged(loaded) : { ...unchanged(loaded), effects: workEffects(loaded) };
}

/** What a fence proves to run no more need not be waited for, nor need its host: its addresses are free. */
function letGoByFences(loaded: LoadedInstance, { fences = [], nowMs }: ReconcileEvent): Decision | undefined {
  const { instance } = loaded;
  // A guest whose disk only its host has is bound to no host lease: it starts with its host, fenced or not.
  if (instance.desired !== "deleted" || !opensElsewhere(instance)) return undefined;
  if (lostOf(loaded, fences).length === 0) return undefined;
  const decision = committed(endWhatIsReached(freed(draft(loaded, nowMs), { fences, nowMs })));
  return { ...decision, effects: workEffects(decision.next) };
}

function deadlinePassed(it: Draft, event: ReconcileEvent): Draft {
  const { instance, operation } = it.after;
  const error = event.hostAlive
    ? errorBodyOf({ reason: "operationTimeout", message: `The ${operation?.kind} did not end in time.` })
    : errorBodyOf({
        reason: "hostUnreachable",
        message: `The host was silent during the ${operation?.kind}.`,
      });
  if (instance.desired === "deleted") return parkDelete(it);
  // It is a failure of the command, and none of the instance.
  if (isRewiring(it.after)) return giveUpRewiring(it, error);
  if (isRevolume(it.after)) return giveUpRevolume(it, error);
  if (instance.built) return giveUp(it, error);
  return giveUp(withInstance(it, { hostId: null }), error);
}

/**
 * Parks a delete whose host cannot be reached in time. For the user the instance is deleted; its claim stays,
 * and so does the work: the host is told when it is back, and only its report frees the capacity.
 */
function parkDelete(it: Draft): Draft {
  const parked = withStep(it, {
    step: "parked",
    percent: 90,
    message: "What is left on its host goes when the host answers.",
  });
  const gone = withInstance(parked, { deletedAtMs: it.nowMs, hostId: null });
  const told = withEvent(gone, { event: "deleted", body: { parked: true } });
  return endOperation(told, "done");
}

/** Takes the scheduler's answer for a build that has no host (any more). */
export function decidePlaced(loaded: LoadedInstance, event: PlacedEvent): Decision {
  const { instance } = loaded;
  const wanted = instance.desired === "running" || instance.desired === "paused";
  const adrift = isAdrift(loaded);
  if (instance.ownerEpoch !== event.ownerEpoch || !(adrift || (wanted && mayBePlaced(loaded))))
    return unchanged(loaded);
  const room = keptRoom(loaded);
  if (event.placement.kind === "denied" && (adrift || room !== undefined)) return unchanged(loaded);
  const it = draft(loaded, event.nowMs);
  if (event.placement.kind === "denied") return denied(it, errorBodyOf(event.placement.denial));
  const { hostId, hostName } = event.placement;
  const owned = withInstance(it, {
    hostId,
    ownerEpoch: instance.ownerEpoch + 1,
    attempt: instance.attempt + 1,
    volumes: raisedVolumes(instance),
    ...(instance.built ? { failure: null } : ofFirstBoot(instance, event.placement)),
  });
  // The kept room is claimed anew: its host may hold another lease epoch by now, or be gone.
  const { leaseEpoch } = event.placement;
  const claim = room?.hostId === hostId ? { ...room, leaseEpoch } : claimOf(owned.after, event.placement);
  const claims = [...owned.after.claims.filter((held) => held !== room), claim];
  const claimed = { ...owned, after: { ...owned.after, claims } };
  const targeted = withTarget(claimed, event.placement);
  const told = withEvent(withStep(targeted, { step: "placed", percent: 10, message: hostName }), {
    event: "placed",
    body: { hostId, hostName },
  });
  const { commit, next } = commitOf(told);
  return { outcome: { kind: "accepted" }, next, commit, effects: workEffects(next) };
}

/** What an instance gets of the host of its first boot, and keeps wherever it goes. */
const ofFirstBoot = ({ image }: InstanceRecord, { storageId, shapes }: HostPlacement) => ({
  storageId,
  shape: firstShape(shapes, image.properties.extra?.hw_machine_type),
});

/**
 * No host fits. For a guest that has run the scheduler is asked again and again, but the same failure is
 * stored only once.
 */
function denied(it: Draft, error: ErrorBody): Decision {
  const { instance } = it.before;
  const told =
    instance.built && instance.failure?.reason === error.reason && it.before.operation === undefined;
  return told ? unchanged(it.before) : committed(giveUp(it, error));
}

export function claimOf(
  { instance }: Pick<LoadedInstance, "instance">,
  { hostId, leaseEpoch, numa }: Pick<ClaimRecord, "hostId" | "leaseEpoch" | "numa">,
): ClaimRecord {
  // Removing a disk takes no capacity of a host.
  const isGoing = instance.desired === "deleted";
  const size = isGoing
    ? { vcpus: 0, memoryMib: 0, diskGib: 0, numa: null }
    : { ...hostSizeOf(instance), numa };
  return { instanceId: instance.id, ownerEpoch: instance.ownerEpoch, hostId, ...size, leaseEpoch };
}
