/**
 * Whether a machine has the volumes of its spec, and no others; and what is to be done for that. By value:
 * what its process has (as the hypervisor was asked a moment ago), and what is wanted. What goes goes first,
 * and what comes may never come. Nothing here may take an empty answer for knowledge: what is not known is
 * undefined.
 */
import type {
  MachineSpec,
  MachineVolume,
  Observation,
  SeenVolume,
  VolumeRef,
} from "../../../protocol/machine.ts";
import type { Machine, Work } from "./state.ts";
import type { HeldVolume, HeldVolumes, VolumeNote } from "./volume-facts.ts";

export interface VolumePlan {
  readonly leaving: readonly HeldVolume[];
  readonly coming: readonly MachineVolume[];
  /** Volumes that the guest has, and of whose present size the guest was not told. */
  readonly growing: readonly MachineVolume[];
}

/** A volume that a guest has had is never made anew: if it is missing later, it is lost. */
export function withMade(spec: MachineSpec, has: readonly HeldVolume[]): MachineSpec {
  const isNew = (one: MachineVolume) =>
    !one.made && has.some((held) => held.state === "attached" && isSameVolume(held, one));
  if (spec.volumes?.some(isNew) !== true) return spec;
  return { ...spec, volumes: spec.volumes.map((one) => (isNew(one) ? { ...one, made: true } : one)) };
}

export const isSameVolume = (one: VolumeRef, other: VolumeRef): boolean =>
  one.volumeId === other.volumeId && one.epoch === other.epoch;

/** Undefined: the guest is told of no volumes, and there is nothing to do. */
export const volumesOf = ({ volumes }: Pick<MachineSpec, "volumes">): readonly VolumeRef[] | undefined =>
  volumes?.map(({ volumeId, epoch }) => ({ volumeId, epoch }));

/** A dead one leaves even where it is wanted: its device fails whatever the guest asks. */
export function volumePlan(wanted: readonly MachineVolume[], has: readonly HeldVolume[]): VolumePlan {
  const isIn = (one: HeldVolume, volume: MachineVolume) =>
    isSameVolume(one, volume) && one.place === volume.place;
  const there = (volume: MachineVolume) => has.find((one) => isIn(one, volume) && one.state === "attached");
  return {
    leaving: has.filter((one) => one.state === "dead" || !wanted.some((volume) => isIn(one, volume))),
    coming: wanted.filter((volume) => there(volume) === undefined),
    growing: wanted.filter((volume) => {
      const held = there(volume);
      return held !== undefined && (held.sizeBytes === undefined || held.sizeBytes < volume.sizeBytes);
    }),
  };
}

type Volumed = Pick<Machine, "spec" | "held">;

/** True: the process of its living guest lacks a volume, or has one too many, or nobody knows. */
export function isAmiss({ spec, held }: Volumed): boolean {
  if (spec.volumes === undefined) return false;
  if (held === undefined || held.coming.length > 0) return true;
  const { leaving, coming, growing } = volumePlan(spec.volumes, held.has);
  // What is dead stays until the guest gives it back or ends: nobody waits for that.
  return coming.length > 0 || growing.length > 0 || leaving.some(({ state }) => state !== "dead");
}

/** True: its process may have a volume that is to go. */
export const isTooMuch = ({ spec, held }: Volumed): boolean =>
  spec.volumes !== undefined &&
  (held === undefined || held.has.some((one) => one.state !== "dead" && !isWanted(spec, one)));

/** True: a storage may have a volume noted for it that it is to let go of, though no guest lives. */
export function hasNotes({ spec, held }: Volumed): boolean {
  if (spec.volumes === undefined) return false;
  if (held === undefined) return true;
  return [...held.has, ...held.coming].some((one) => !isWanted(spec, one));
}

const isWanted = ({ volumes = [] }: Pick<MachineSpec, "volumes">, one: VolumeRef): boolean =>
  volumes.some((volume) => isSameVolume(volume, one));

/** When the process has ended: what it had is closed, and is noted on its storage until it is released. */
export const afterEnd = (held: HeldVolumes | undefined): HeldVolumes | undefined =>
  held && {
    has: held.has.flatMap((one) => (one.state === "dead" ? [] : { ...one, state: "open" as const })),
    coming: held.coming,
  };

/** No guest is left that was told or asked anything. */
export const notesAfterEnd = (notes: readonly VolumeNote[]): readonly VolumeNote[] =>
  notes.length === 0 ? notes : [];

/** True: the work opens or attaches a volume that is to go by now. */
export function isGivingWhatLeaves({ kind, step, volumes = [] }: Work, spec: MachineSpec): boolean {
  const isGiving = kind === "wire" || (kind === "boot" && step === "preparing");
  return isGiving && spec.volumes !== undefined && volumes.some((one) => !isWanted(spec, one));
}

/** True: the work asks the guest for a volume that it is not to be asked for any more. */
export const isTooPatient = (
  { kind, volumes, forced = [] }: Work,
  { forcedVolumes = [] }: MachineSpec,
): boolean =>
  kind === "wire" &&
  volumes !== undefined &&
  forcedVolumes.some((one) => !forced.some((other) => isSameVolume(one, other)));

/** Notes for what the process has, as of a look at this time; those of what has gone are dropped. */
export function notesAfter(
  before: readonly VolumeNote[],
  spec: MachineSpec,
  { has, atMs }: { readonly has: readonly HeldVolume[]; readonly atMs: number },
): readonly VolumeNote[] {
  const after = has.flatMap(({ volumeId, epoch, state, sizeBytes }): VolumeNote[] => {
    if (state === "dead") return [];
    const old = before.find((one) => isSameVolume(one, { volumeId, epoch }));
    const leaves = !isWanted(spec, { volumeId, epoch });
    const toldBytes = sizeBytes ?? old?.toldBytes;
    return [
      {
        ...{ volumeId, epoch },
        ...(toldBytes === undefined ? {} : { toldBytes }),
        ...(leaves ? { askedAtMs: old?.askedAtMs ?? atMs } : {}),
      },
    ];
  });
  return JSON.stringify(after) === JSON.stringify(before) ? before : after;
}

/** How long its guest has been asked to give it back, in all lives of the agent. */
export function waitedMs(notes: readonly VolumeNote[], volume: VolumeRef, nowMs: number): number {
  const askedAtMs = notes.find((one) => isSameVolume(one, volume))?.askedAtMs;
  return askedAtMs === undefined ? 0 : Math.max(0, nowMs - askedAtMs);
}

/**
 * What the machine's observation says of its volumes. A machine without a process has none open, whatever its
 * storages have noted; while one may be started, or what goes may still be on its way, it says nothing.
 */
export function saidVolumes({
  spec,
  held,
  guest,
  work,
}: Pick<Machine, "spec" | "held" | "guest" | "work">): Pick<Observation, "volumes"> {
  if (spec.volumes === undefined) return {};
  if (guest === "none" && work?.kind !== "boot") return { volumes: [] };
  if (held === undefined || !held.coming.every((one) => isWanted(spec, one))) return {};
  return { volumes: held.has.map(saidOf) };
}

const saidOf = ({ volumeId, epoch, state, sizeBytes }: HeldVolume): SeenVolume => ({
  ...{ volumeId, epoch, state },
  ...(sizeBytes === undefined ? {} : { sizeBytes }),
});
