/**
 * The volumes in an instance's row: which volumes the guest is to have, which are being attached or detached,
 * and when a volume is let go of. The volumes' own rows follow in the same commit (volume-rows.ts). A volume
 * that goes is held until no host can write to it any more, so that none has two writers (V1). Pure.
 */
import type { MachineVolume, Observation, SeenVolume, VolumeRef } from "../../../protocol/machine.ts";
import type { VolumeChange } from "../../../protocol/volume.ts";
import type { AttachedVolume, InstanceRecord, LoadedInstance } from "../../records/instance.ts";

const bytesOfGib = 1024 ** 3;

/** The volumes that a host is told of: leaving ones are not among these. */
export const machineVolumes = (volumes: readonly AttachedVolume[]): MachineVolume[] =>
  volumes
    .filter((one) => !isLeavingVolume(one))
    .map(({ volumeId, epoch, place, sizeGib, storageId, made, source, bootIndex }) => ({
      ...{ volumeId, epoch, place, sizeBytes: sizeGib * bytesOfGib, storageId, made },
      ...(bootIndex === undefined ? {} : { bootIndex }),
      source: source && { kind: source.kind, image: { id: source.image.id, disk: source.image.disk } },
    }));

/** Leaving volumes that the guest is not asked to give back. */
export const forcedVolumes = (volumes: readonly AttachedVolume[]): VolumeRef[] =>
  volumes.flatMap(({ volumeId, epoch, change }) => (change?.force === true ? [{ volumeId, epoch }] : []));

export const isLeavingVolume = ({ change }: AttachedVolume): boolean => change?.kind === "leaving";

/** A volume that was asked to leave before is somebody's own again: it is not deleted with the instance. */
export const goesWithInstance = (
  { desired }: Pick<InstanceRecord, "desired">,
  volume: AttachedVolume,
): boolean => desired === "deleted" && volume.deleteOnTermination && !isLeavingVolume(volume);

/**
 * True: its host has not yet said what became of a change. What leaves is waited for also while the guest is
 * paused, which is asked, and not needed.
 */
export const isChangingVolumes = ({
  volumes,
  desired,
  hostId,
}: Pick<InstanceRecord, "volumes" | "desired" | "hostId">): boolean =>
  hostId !== null &&
  desired !== "deleted" &&
  (volumes ?? []).some(
    ({ change }) => change !== undefined && (desired !== "paused" || change.kind === "leaving"),
  );

/** The instance has no other root disk. */
export const isRoot = ({ bootIndex }: Pick<AttachedVolume, "bootIndex">): boolean => bootIndex === 0;

/** A volume of it that no other host can open; undefined: there is none. */
export const localVolume = ({ volumes }: Pick<InstanceRecord, "volumes">): AttachedVolume | undefined =>
  volumes?.find(({ hostId }) => hostId !== null);

/** Undefined: every place is taken, also by those that are on their way out. */
export function freePlace({ volumes }: Pick<InstanceRecord, "volumes">, most: number): number | undefined {
  const taken = new Set((volumes ?? []).map(({ place }) => place));
  return Array.from({ length: most }, (_, index) => index).find((index) => !taken.has(index));
}

export const withVolume = (
  { volumes }: Pick<InstanceRecord, "volumes">,
  added: AttachedVolume,
): readonly AttachedVolume[] =>
  [...(volumes ?? []).filter(({ volumeId }) => volumeId !== added.volumeId), added].sort(
    (one, other) => one.place - other.place,
  );

/** The volumes, some of which have this change since this generation. */
export const withVolumeChange = (
  { volumes }: Pick<InstanceRecord, "volumes">,
  isMeant: (one: AttachedVolume) => boolean,
  change: NonNullable<AttachedVolume["change"]>,
): readonly AttachedVolume[] => (volumes ?? []).map((one) => (isMeant(one) ? { ...one, change } : one));

/** For another owner epoch of the instance: whoever had them before opens none of them any more. */
export const raisedVolumes = ({ volumes }: Pick<InstanceRecord, "volumes">): InstanceRecord["volumes"] =>
  volumes?.map((one) => ({ ...one, epoch: one.epoch + 1 })) ?? null;

/** What is told of a change that has ended. */
export const volumeEvents = {
  attaching: "volumeAttached",
  leaving: "volumeDetached",
  extending: "volumeExtended",
} as const satisfies Record<VolumeChange, string>;

export interface VolumeWord {
  /** The volumes that stay, with or without a change under way. */
  readonly volumes: readonly AttachedVolume[];
  /** Changes that have ended, each with its volume. */
  readonly ended: readonly { readonly kind: VolumeChange; readonly of: AttachedVolume }[];
}

/**
 * What the owner host's observation says of the volumes. A change has ended by a word of its generation or a
 * later one: then the host takes no earlier intent any more, by which it might open a volume again.
 */
export function wordOfVolumes(volumes: readonly AttachedVolume[], seen: Observation): VolumeWord {
  const ended = volumes.filter((one) => isVolumeChanged(one, seen));
  const stay = volumes.filter((one) => !(ended.includes(one) && isLeavingVolume(one)));
  return {
    volumes: stay.map((one) => {
      const { change, ...rest } = one;
      const made = one.made || seenOf(one, seen)?.state === "attached";
      return change === undefined || ended.includes(one) ? { ...rest, made } : { ...one, made };
    }),
    ended: ended.flatMap((of) => (of.change === undefined ? [] : { kind: of.change.kind, of })),
  };
}

function isVolumeChanged(one: AttachedVolume, seen: Observation): boolean {
  const { change, sizeGib } = one;
  if (change === undefined || seen.intentGeneration < change.generation) return false;
  const there = seenOf(one, seen);
  if (change.kind === "leaving")
    return seen.volumes !== undefined && (there === undefined || there.state === "dead");
  // A guest that is down has every volume, as large as it is, from its next start on.
  if (seen.state === "stopped" || seen.state === "failed") return true;
  if (there?.state !== "attached") return false;
  return change.kind === "attaching" || (there.sizeBytes ?? 0) >= sizeGib * bytesOfGib;
}

const seenOf = ({ volumeId, epoch }: AttachedVolume, { volumes }: Observation): SeenVolume | undefined =>
  volumes?.find((one) => one.volumeId === volumeId && one.epoch === epoch);

/**
 * What has come, or has grown, without a host's word: of an instance that is down on no host, which has every
 * volume, as large as it is, from its next start on.
 */
export function reachedAtRest({
  volumes,
  hostId,
  desired,
  failure,
}: Pick<InstanceRecord, "volumes" | "hostId" | "desired" | "failure">): readonly AttachedVolume[] {
  const isDown = hostId === null && (desired === "stopped" || failure !== null);
  return isDown && desired !== "deleted"
    ? (volumes ?? []).filter((one) => one.change !== undefined && !isLeavingVolume(one))
    : [];
}

/**
 * What an instance lets go of: all, when it is to go and no host has anything of it; those that are on their
 * way out, when no host has anything of the instance, so that there is nobody whose word could be waited for.
 */
export function releasedVolumes({ instance, claims }: LoadedInstance): readonly AttachedVolume[] {
  const all = instance.volumes ?? [];
  if (instance.desired === "deleted") return claims.length === 0 ? all : [];
  return claims.some(({ ownerEpoch }) => ownerEpoch <= instance.ownerEpoch)
    ? []
    : all.filter(isLeavingVolume);
}
