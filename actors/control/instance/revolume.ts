/**
 * Decides about volumes that come to an instance, leave it or grow. Each is one commit that changes the
 * intent, as with interfaces (rewire.ts): what comes is there from then on; what goes is held until no host
 * has it open. An attachment that did not come about is taken back by the same way out. Pure.
 */
import { canHaveVolumes, seesStorage } from "../../../protocol/host-drivers.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import type { Denial, ErrorBody } from "../../../protocol/wire/status.ts";
import { gibibytes } from "../../../protocol/wire/wording.ts";
import type { AttachedVolume, InstanceRecord, LoadedInstance } from "../../records/instance.ts";
import { acceptance, requestOf } from "./accepted.ts";
import { admit } from "./admission.ts";
import {
  beginOperation,
  commitOf,
  type Draft,
  draft,
  endOperation,
  endWhatIsReached,
  withEvent,
  withInstance,
} from "./change.ts";
import { type Commanded, cancelledBy, newOperation } from "./command.ts";
import { denied, lockDenial } from "./lock.ts";
import type { Decision, RevolumeEvent } from "./messages.ts";
import { stateOf, workEffects } from "./state.ts";
import { freePlace, isLeavingVolume, isRoot, withVolume, withVolumeChange } from "./volumes.ts";

export function decideRevolume(loaded: LoadedInstance, event: RevolumeEvent): Decision {
  const denial = denialOf(loaded, event);
  if (denial !== undefined) return denied(loaded, denial);
  const volumes = volumesAfter(loaded, event);
  if (volumes === undefined) return denied(loaded, fullDenial(loaded));
  const { nowMs, request, operationId, change } = event;
  const commanded: Commanded = { command: change.command, request, operationId, nowMs };
  const generation = loaded.instance.generation + 1;
  const changed = withInstance(draft(loaded, nowMs), { generation, failure: null, volumes });
  // Only a detach that waits for its guest is replaced, by one that does not.
  const free = endOperation(changed, "cancelled", cancelledBy(commanded));
  const begun = beginOperation(free, newOperation(free.after.instance, commanded));
  const forced = change.command === "volumeDetach" && change.force === true ? { force: true } : {};
  const facts = { changed: true, generation, volumeId: volumeIdOf(event), ...forced };
  const ended = endWhatIsReached(withEvent(begun, acceptance(commanded, facts)));
  const { commit, next } = commitOf(ended);
  const operation = next.operation ?? ended.ended.at(-1);
  if (operation === undefined) throw new Error("An accepted command has an operation.");
  return {
    outcome: { kind: "accepted" },
    next,
    commit: { ...commit, request: requestOf(event, next, operation) },
    effects: workEffects(next),
  };
}

const volumeIdOf = ({ change }: RevolumeEvent): string =>
  change.command === "volumeAttach" ? change.volume.volumeId : change.volumeId;

function volumesAfter(
  { instance }: LoadedInstance,
  { change }: RevolumeEvent,
): readonly AttachedVolume[] | undefined {
  const generation = instance.generation + 1;
  switch (change.command) {
    case "volumeAttach": {
      const place = change.place ?? freePlace(instance, storageLimits.volumesPerInstanceMax);
      if (place === undefined) return undefined;
      const { volume } = change;
      const hostId = volume.storageId === null ? (volume.hostId ?? instance.hostId) : null;
      const added = { ...volume, epoch: volume.epoch + 1, hostId, place };
      return withVolume(instance, { ...added, change: { kind: "attaching", generation } });
    }
    case "volumeDetach": {
      const isMeant = ({ volumeId }: AttachedVolume) => volumeId === change.volumeId;
      const forced = change.force === true ? ({ force: true } as const) : {};
      return withVolumeChange(instance, isMeant, { kind: "leaving", generation, ...forced });
    }
    case "volumeExtend":
      return (instance.volumes ?? []).map((one) =>
        one.volumeId === change.volumeId
          ? { ...one, sizeGib: change.sizeGib, change: { kind: "extending", generation } as const }
          : one,
      );
  }
}

function fullDenial({ instance: { id } }: LoadedInstance): Denial {
  const most = storageLimits.volumesPerInstanceMax;
  const message = `Instance ${id} has no place for another volume; ${most} is the most, those on their way out included.`;
  return { reason: "volumesFull", message };
}

const whatOf = {
  volumeAttach: "attach a volume to",
  volumeDetach: "detach a volume from",
  volumeExtend: "extend a volume of",
} as const;

function denialOf(loaded: LoadedInstance, event: RevolumeEvent): Denial | undefined {
  const { instance, operation } = loaded;
  const { change, request, host } = event;
  const locked = lockDenial(instance, request);
  if (locked !== undefined) return locked;
  const state = stateOf(loaded, host?.alive ?? true);
  const cell = admit(state, change.command);
  if (cell.kind === "deny") {
    const message = `Cannot ${whatOf[change.command]} instance ${instance.id}: it is ${state}.`;
    return { reason: cell.reason, message, details: { state } };
  }
  if (state === "failed" && !instance.built)
    return { reason: "neverBuilt", message: `Instance ${instance.id} was never built.` };
  if (change.command !== "volumeAttach") {
    const its = instance.volumes?.find(
      (one) => one.volumeId === change.volumeId && (isForced(change) || !isLeavingVolume(one)),
    );
    const message = `Instance ${instance.id} has no volume ${change.volumeId}.`;
    if (its === undefined) return { reason: "notFound", message };
    const unfit =
      change.command === "volumeExtend" ? shrinkDenial(its, change.sizeGib) : rootDenial(its, instance.id);
    if (unfit !== undefined) return unfit;
  }
  // A change of a volume that replaced another command would leave that one half done.
  if (operation !== undefined && !isHurried(loaded, change)) {
    const message = `The ${operation.kind} of instance ${instance.id} is still under way.`;
    return { reason: "operationUnderWay", message, details: { operationId: operation.id } };
  }
  const isUp = state === "running" || state === "paused" || state === "unknown";
  return placeDenial(loaded, event) ?? hostDenial(loaded, event, isUp);
}

const isForced = (change: RevolumeEvent["change"]): boolean =>
  change.command === "volumeDetach" && change.force === true;

/** The detach of the volume is under way, and waits for its guest: it is to wait no longer. */
function isHurried({ instance, operation }: LoadedInstance, change: RevolumeEvent["change"]): boolean {
  if (operation?.kind !== "volumeDetach" || change.command !== "volumeDetach") return false;
  const leaving = (instance.volumes ?? []).filter((one) => isLeavingVolume(one) && !one.change?.force);
  return isForced(change) && leaving.some(({ volumeId }) => volumeId === change.volumeId);
}

function shrinkDenial({ volumeId, sizeGib }: AttachedVolume, wantedGib: number): Denial | undefined {
  if (wantedGib >= sizeGib) return undefined;
  const message = `The volume ${volumeId} has ${gibibytes(sizeGib)}, and does not become smaller.`;
  return { reason: "schemaMismatch", message };
}

/** It would have nothing to boot from, and its image says only how. */
function rootDenial(its: AttachedVolume, instanceId: string): Denial | undefined {
  if (!isRoot(its)) return undefined;
  const message = `The volume ${its.volumeId} is the root disk of instance ${instanceId}, and stays as long as it is there.`;
  return { reason: "rootVolume", message };
}

/** As many characters of its id as a guest sees of a disk's serial number. */
const seenLength = 20;

function placeDenial({ instance }: LoadedInstance, { change }: RevolumeEvent): Denial | undefined {
  if (change.command !== "volumeAttach") return undefined;
  const { volume, place } = change;
  const all = instance.volumes ?? [];
  const taken = (message: string): Denial => ({ reason: "inUse", message });
  if (all.some(({ volumeId }) => volumeId === volume.volumeId))
    return taken(`The volume ${volume.volumeId} is attached to instance ${instance.id} already.`);
  const inPlace = all.find((one) => one.place === place);
  if (inPlace !== undefined)
    return taken(`Place ${place} of instance ${instance.id} has the volume ${inPlace.volumeId}.`);
  const alike = all.find((one) => seenAs(one.volumeId) === seenAs(volume.volumeId));
  if (alike === undefined) return undefined;
  return taken(
    `To its guest the volume would look like ${alike.volumeId}: both ids begin with ${seenAs(alike.volumeId)}.`,
  );
}

const seenAs = (volumeId: string): string => volumeId.slice(0, seenLength);

/** What its hardware and its host can do. `isUp`: a guest of it lives, or may. */
function hostDenial(
  { instance }: LoadedInstance,
  { change, host, seenTogether }: RevolumeEvent,
  isUp: boolean,
): Denial | undefined {
  const cannot = (why: string): Denial => ({
    reason: "notPluggable",
    message: `Instance ${instance.id} ${why}`,
  });
  // Of a host that is silent, and was never heard of, nobody knows.
  const isFixed = host?.drivers ? !host.drivers.abilities.hotPlug : host?.alive === true;
  if (isUp && isFixed)
    return cannot(`runs on host ${host?.name}, which changes no volumes of a running guest: stop it first.`);
  if (change.command !== "volumeAttach") return undefined;
  const { storageId, hostId } = change.volume;
  if (instance.shape === null)
    return cannot("has the hardware of before there were volumes, with no place for one.");
  if (storageId === null && instance.hostId === null)
    return cannot("is on no host now, on whose disk the volume could be: start it first.");
  if (hostId !== null && hostId !== instance.hostId)
    return cannot(`is not on host ${hostId}, on whose own disk the volume is.`);
  if (host === undefined) return togetherDenial(instance, change.volume, seenTogether);
  if (!canHaveVolumes(host.drivers)) return cannot(`is on host ${host.name}, which gives guests no volumes.`);
  if (storageId !== null && !seesStorage({ storageId: null, ...host }, storageId))
    return cannot(`is on host ${host.name}, which does not see the storage ${storageId} of the volume.`);
  return undefined;
}

/** An instance without a known host needs one that sees its disk, its volumes and the new volume. */
function togetherDenial(
  { id, storageId: ofDisk, volumes }: InstanceRecord,
  { storageId: wanted }: Pick<AttachedVolume, "storageId">,
  seen: readonly (readonly string[])[] = [],
): Denial | undefined {
  if (wanted === null) return undefined;
  const has = [ofDisk, ...(volumes ?? []).map(({ storageId }) => storageId)];
  const others = [...new Set(has)].filter((one) => one !== null && one !== wanted);
  if (others.length === 0) return undefined;
  if (seen.some((ids) => ids.includes(wanted) && others.every((one) => ids.includes(one ?? ""))))
    return undefined;
  const message =
    `Instance ${id} is on storage ${others.join(", ")}: ` +
    `no host sees that and storage ${wanted} of the volume.`;
  return { reason: "notPluggable", message };
}

/**
 * The end of an operation on a volume that did not come about. What it was to attach is on its way out from
 * now on, so that a failed operation leaves nothing in the end; what was to be detached or extended still is.
 * What an earlier operation was to attach stays on its way in, and a root disk never goes. Where its own
 * volume has come already, whatever is in trouble is another one.
 */
export function giveUpRevolume(it: Draft, error: ErrorBody): Draft {
  const { operation } = it.after;
  if (operation?.kind !== "volumeAttach") return endOperation(it, "failed", error);
  // No later command has come, which would have replaced the operation: its generation is the present one.
  const isMeant = (one: AttachedVolume) =>
    one.change?.kind === "attaching" &&
    one.change.generation === it.after.instance.generation &&
    !isRoot(one);
  if (!it.after.instance.volumes?.some(isMeant)) return endOperation(it, "done");
  const ended = endOperation(it, "failed", error);
  const { instance } = ended.after;
  const generation = instance.generation + 1;
  const volumes = withVolumeChange(instance, isMeant, { kind: "leaving", generation });
  const body = { command: "volumeDetach", changed: true, generation, cause: "notAttached" };
  return withEvent(withInstance(ended, { generation, volumes }), { event: "accepted", body });
}

export const isRevolume = ({ operation }: LoadedInstance): boolean =>
  operation?.kind === "volumeAttach" ||
  operation?.kind === "volumeDetach" ||
  operation?.kind === "volumeExtend";
