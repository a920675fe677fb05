/**
 * Decides about a host's report: it becomes the stored observation, and may end an operation, fail the
 * instance, or send it to another host. A report never changes an intent that is newer than the one it acted
 * on (I8). Pure.
 */
import { isNewer, isPossible } from "../../../protocol/generation.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { MachineReason, MachineState, OperationKind } from "../../../protocol/states.ts";
import { errorBodyOf } from "../../../protocol/wire/denials.ts";
import { type Reason, reasons } from "../../../protocol/wire/reasons.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import type { LoadedInstance, MachineRecord } from "../../records/instance.ts";
import {
  commitOf,
  type Draft,
  draft,
  endOperation,
  endWhatIsReached,
  withBuild,
  withEvent,
  withInstance,
  withStep,
} from "./change.ts";
import { wordOf } from "./interfaces.ts";
import { instanceLimits } from "./limits.ts";
import type { Decision, ObservedEvent, RefusedEvent } from "./messages.ts";
import { reclaimed } from "./reclaim.ts";
import { giveUpRevolume, isRevolume } from "./revolume.ts";
import { giveUpRewiring, isRewiring } from "./rewire.ts";
import { currentMachine, leaving, mayBePlaced, removalSpec, workEffects } from "./state.ts";
import { volumeEvents, wordOfVolumes } from "./volumes.ts";

export function unchanged(loaded: LoadedInstance): Decision {
  return { outcome: { kind: "unchanged" }, next: loaded, commit: undefined, effects: [] };
}

export function committed(it: Draft): Decision {
  const { commit, next } = commitOf(it);
  return { outcome: { kind: "accepted" }, next, commit, effects: [] };
}

export function decideObserved(loaded: LoadedInstance, event: ObservedEvent): Decision {
  const { observation, hostId } = event;
  const claim = loaded.claims.find((held) => held.ownerEpoch === observation.ownerEpoch);
  if (claim === undefined) return decideUnclaimed(loaded, event);
  const known = loaded.machines.find((machine) => machine.ownerEpoch === observation.ownerEpoch);
  if (claim.hostId !== hostId) return unchanged(loaded);
  if (known !== undefined && !isNewer(known.generation, observation.generation))
    return notNewer(loaded, event, known);
  // Whoever took it over would pass it on, and soon count past the largest number there is.
  if (isImpossible(loaded, observation)) return unchanged(loaded);
  const owned = observation.ownerEpoch === loaded.instance.ownerEpoch && loaded.instance.hostId !== null;
  const heard = withMachine(draft(loaded, event.nowMs), event);
  const it = owned ? withVolumeWord(withWord(heard, observation), observation) : heard;
  const before = it.after.instance.generation;
  const seen = reclaimed(endWhatIsReached(owned ? seenAtOwner(it, observation) : it), event.leaseEpoch);
  const moved =
    seen.after.instance.generation !== before || seen.after.instance.hostId !== it.after.instance.hostId;
  const decision = committed(seen);
  return moved || mayBePlaced(decision.next) || !seen.after.claims.includes(claim)
    ? { ...decision, effects: workEffects(decision.next) }
    : decision;
}

/** Whether a host cannot have come to this generation; an old one is stale, and no more. */
export function isImpossible({ machines }: LoadedInstance, { ownerEpoch, generation }: Observation): boolean {
  const stored = machines.find((machine) => machine.ownerEpoch === ownerEpoch)?.generation;
  const isNews = stored === undefined || isNewer(stored, generation);
  return isNews && !isPossible(stored, generation);
}

/**
 * Ignores stale observations. But if a settled instance's machine reports another state, or a lower
 * generation, its agent may have lost the machine file: send `ensure` with the generation we know, so that
 * its next report is newer.
 */
function notNewer(loaded: LoadedInstance, event: ObservedEvent, known: MachineRecord): Decision {
  const { observation: seen, answers = false } = event;
  const differs = seen.state !== known.state || seen.generation < known.generation;
  return differs && loaded.instance.settled && !answers
    ? { ...unchanged(loaded), effects: workEffects(loaded) }
    : unchanged(loaded);
}

/**
 * A machine without a claim: the claim was given back after the host had reported `gone`. Tells the machine
 * to go again.
 */
function decideUnclaimed(loaded: LoadedInstance, event: ObservedEvent): Decision {
  const { hostId, observation, answers = false } = event;
  const { instance } = loaded;
  if (observation.state === "gone" || observation.ownerEpoch > instance.ownerEpoch) return unchanged(loaded);
  if (answers) return unchanged(loaded);
  // A machine with a newer intent than ours was told to leave already. Telling it again with every answer
  // would go on as fast as messages travel, until it is gone.
  if (observation.intentGeneration > instance.generation) return unchanged(loaded);
  const intent = leaving(instance);
  return {
    ...unchanged(loaded),
    effects: [
      {
        kind: "ensure",
        hostId,
        spec: removalSpec(instance, { ownerEpoch: observation.ownerEpoch, leaseEpoch: 0, numa: null }),
        intent: {
          ...intent,
          // The instance may run elsewhere: do not wait for the guest.
          stop: { mode: "hard", timeoutMs: 0 },
          generation: Math.max(intent.generation, observation.intentGeneration + 1),
        },
        observedGeneration: observation.generation,
        leaseEpoch: 0,
      },
    ],
  };
}

/**
 * Stores the observation. `gone` gives the claim back, unless the machine is still wanted: then its host
 * makes it anew.
 */
function withMachine(it: Draft, { observation, hostId }: ObservedEvent): Draft {
  const { instance, machines, claims } = it.after;
  const others = machines.filter((machine) => machine.ownerEpoch !== observation.ownerEpoch);
  if (observation.state !== "gone") {
    const { ports: _, volumes: _volumes, ...seen } = observation;
    return { ...it, after: { ...it.after, machines: [...others, { ...seen, hostId }] } };
  }
  const current = observation.ownerEpoch === instance.ownerEpoch && instance.hostId !== null;
  const wanted = current && instance.desired !== "deleted";
  const kept = wanted ? claims : claims.filter((claim) => claim.ownerEpoch !== observation.ownerEpoch);
  const next = { ...it, after: { ...it.after, machines: others, claims: kept } };
  // With `gone` of the newest owner epoch its disk and those of earlier owner epochs are removed, unless a
  // guest has run on it and goes on elsewhere.
  const unwanted = instance.desired === "deleted" || (!instance.built && !wanted);
  if (!unwanted || observation.ownerEpoch !== instance.ownerEpoch) return next;
  return withInstance(next, { storageId: null, ...(instance.deletedAtMs === null ? {} : { hostId: null }) });
}

/** What the owner host says of interfaces that come and go. */
function withWord(it: Draft, seen: Observation): Draft {
  const { interfaces } = it.after.instance;
  if (interfaces === null || seen.state === "gone") return it;
  const word = wordOf(interfaces, seen);
  if (word.ended.length === 0) return it;
  const changed = withInstance({ ...it, left: word.left }, { interfaces: word.interfaces });
  return word.ended.reduce((told, { kind, of: { portId, mac } }) => {
    const event = kind === "leaving" ? "interfaceDetached" : "interfaceAttached";
    return withEvent(told, { event, body: { portId, mac } });
  }, changed);
}

/** What the owner host says of volumes: those that come, go and grow, and those that are made by now. */
function withVolumeWord(it: Draft, seen: Observation): Draft {
  const { volumes } = it.after.instance;
  if (volumes === null || seen.state === "gone") return it;
  const word = wordOfVolumes(volumes, seen);
  const isNews =
    word.ended.length > 0 || word.volumes.some(({ made }, index) => made !== volumes[index]?.made);
  if (!isNews) return it;
  return word.ended.reduce(
    (told, { kind, of: { volumeId } }) => withEvent(told, { event: volumeEvents[kind], body: { volumeId } }),
    withInstance(it, { volumes: word.volumes }),
  );
}

const percentOf = {
  preparing: 20,
  starting: 50,
  running: 90,
  paused: 90,
  stopping: 50,
  stopped: 90,
  failed: 90,
  gone: 90,
} as const satisfies Record<MachineState, number>;

function seenAtOwner(it: Draft, seen: Observation): Draft {
  const stepped = withStep(it, {
    step: seen.state,
    percent: percentOf[seen.state],
    message: seen.message || undefined,
  });
  const ran = seen.state === "running" || seen.state === "paused";
  const built =
    ran && !stepped.after.instance.built ? withBuild(withInstance(stepped, { built: true }), false) : stepped;
  const { instance } = built.after;
  if (seen.intentGeneration !== instance.generation) return built;
  if (seen.state === "failed") return failedAtOwner(built, seen);
  const { operation } = built.after;
  // A host that has no lease for a moment, as at its agent's start, has not tried anything.
  const hasTried = seen.reason !== "requested" && seen.reason !== "leaseLost";
  const isInTrouble = hasTried && seen.state === "running";
  if (operation?.kind === "interfaceAttach" && isInTrouble) return giveUpRewiring(built, errorOf(seen));
  if (operation?.kind === "volumeAttach" && isInTrouble) return giveUpRevolume(built, errorOf(seen));
  const wanted = instance.desired === "running" || instance.desired === "paused";
  if (seen.state === "stopped" && seen.reason === "guestShutdown" && wanted) return followGuest(built);
  const well = instance.failure !== null && instance.desired === seen.state;
  return well ? withInstance(built, { failure: null }) : built;
}

/** The guest shut itself down, as its user wanted. The intent follows, as a new generation. */
function followGuest(it: Draft): Draft {
  const ended = endOperation(
    it,
    "failed",
    errorBodyOf({ reason: "notRunning", message: "The guest shut itself down." }),
  );
  const { generation } = ended.after.instance;
  const followed = withInstance(ended, { desired: "stopped", generation: generation + 1, failure: null });
  return withEvent(followed, {
    event: "accepted",
    body: { command: "stop", changed: true, cause: "guestShutdown" },
  });
}

function errorOf(seen: Pick<Observation, "reason" | "message">): ErrorBody {
  const message = seen.message === "" ? `The machine failed: ${seen.reason}.` : seen.message;
  return errorBodyOf({ reason: reasonOf(seen.reason), message });
}

function reasonOf(reason: MachineReason): Reason {
  return reason in reasons ? (reason as Reason) : "guestFailed";
}

/**
 * Failures by the host's own fault, whatever it was told to build. Failures that an image, a guest or a
 * request can cause say nothing against the host: a tenant must not be able to have hosts disabled (decision
 * 0014).
 */
const faultsOfHosts: ReadonlySet<MachineReason> = new Set(["diskFull", "diskMissing", "hypervisorRefused"]);

const fromHostToHost: ReadonlySet<OperationKind> = new Set(["recover", "evacuate", "move"]);

/**
 * A machine failed at its owner. A build, or a guest on its way from another host, tries the next host; any
 * other instance that has run stays where its disk is.
 */
function failedAtOwner(it: Draft, seen: Pick<Observation, "reason" | "message">): Draft {
  const error = errorOf(seen);
  const { instance, operation } = it.after;
  // One that was on its way when its host was lost goes on to the next host, whatever its operation is of.
  const recovering =
    operation !== undefined && (fromHostToHost.has(operation.kind) || operation.toHost !== null);
  if ((instance.built && !recovering) || instance.desired === "deleted") return giveUp(it, error);
  const excludedHosts = [
    ...instance.excludedHosts,
    ...(instance.hostId === null ? [] : [{ hostId: instance.hostId, reason: error.message }]),
  ];
  const counted = faultsOfHosts.has(seen.reason) ? withBuild(it, true) : it;
  const left = withInstance(withStep(counted, { step: "leftHost", percent: 10, message: error.message }), {
    hostId: null,
    excludedHosts,
  });
  if (instance.attempt >= instanceLimits.buildAttemptsMax) return giveUp(left, error);
  return left;
}

/**
 * The owner cannot write the intent down. A build, or a guest on its way, goes to another host; every other
 * operation fails, for its host has the disk. A stop is asked for again, and so is what has no operation. A
 * refusal that comes late is none: the host has said since that it took the intent up.
 */
export function decideRefused(loaded: LoadedInstance, event: RefusedEvent): Decision {
  const { instance, operation } = loaded;
  const isOfNow =
    instance.hostId === event.hostId &&
    instance.ownerEpoch === event.ownerEpoch &&
    instance.generation === event.generation;
  const wanted = instance.desired === "running" || instance.desired === "paused";
  const isTakenUp = (currentMachine(loaded)?.intentGeneration ?? 0) >= event.generation;
  const isOfDevices = isRewiring(loaded) || isRevolume(loaded);
  if (!isOfNow || isTakenUp || operation === undefined || !(wanted || isOfDevices)) return unchanged(loaded);
  const it = draft(loaded, event.nowMs);
  const next = isRewiring(loaded)
    ? giveUpRewiring(it, errorOf(event))
    : isRevolume(loaded)
      ? giveUpRevolume(it, errorOf(event))
      : failedAtOwner(it, event);
  const decision = committed(next);
  return { ...decision, effects: workEffects(decision.next) };
}

/** Fails the operation; the instance shows the failure until the next command. */
export function giveUp(it: Draft, error: ErrorBody): Draft {
  return withInstance(endOperation(it, "failed", error), { failure: error });
}
