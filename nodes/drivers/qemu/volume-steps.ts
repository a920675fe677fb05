/**
 * The next step of a volume's way into a running guest, or out of it, by value: from what QEMU has, what is
 * wanted, and how long the guest has been asked. No step remembers another one, so that whoever comes after
 * an agent that died anywhere goes on from there.
 *
 * The names of what QEMU has are those of the volume's place in the guest, but one: a throttle group is made
 * first and removed last, and its name says whose the place is. So a place is never used for two volumes, and
 * what is open is known from QEMU's objects alone: whatever lists its block devices asks their files, and
 * hangs with their storage.
 */
import type { AttachedVolume, GuestVolume, VolumeName } from "../../../actors/ports/hypervisor.ts";
import { qemuLimits } from "./limits.ts";

export const volumeNames = (place: number) => ({
  device: `volume${place}`,
  /** Limits what passes, and is what the device is on. */
  node: `volume${place}`,
  data: `data${place}`,
  /** Where the data of a volume comes from by NBD. */
  remote: `remote${place}`,
  /** Fails everything. */
  gone: `gone${place}`,
  /**
   * An object that says that the guest was asked for the device, and may give it back at any moment: of a
   * pending unplug QEMU tells nobody.
   */
  asked: `asked${place}`,
});

export const groupOf = ({ place, volumeId, epoch }: VolumeName & { readonly place: number }): string =>
  `volume.${place}.${volumeId}.e${epoch}`;

/** Whose a place is, by the name of its group; undefined for the names of other objects. */
export function groupIn(name: string): (VolumeName & { readonly place: number }) | undefined {
  const [, place, volumeId, epoch] =
    /^volume\.([0-9]{1,3})\.([A-Za-z0-9_-]+)\.e([0-9]{1,15})$/.exec(name) ?? [];
  return volumeId === undefined ? undefined : { place: Number(place), volumeId, epoch: Number(epoch) };
}

/** What QEMU says of the volumes of its guest. */
export interface SeenVolumes {
  /** Names of the objects. */
  readonly objects: readonly string[];
  /** The node that each volume's device is on, by the device's place. */
  readonly drives: ReadonlyMap<number, string>;
}

export function attachedIn({ objects, drives }: SeenVolumes): readonly AttachedVolume[] {
  const named = objects.flatMap((name) => groupIn(name) ?? []);
  return named.map((one) => {
    const drive = drives.get(one.place);
    const state = drive === undefined ? "open" : drive === volumeNames(one.place).node ? "attached" : "dead";
    return { ...one, state };
  });
}

const isSame = (one: VolumeName, other: VolumeName): boolean =>
  one.volumeId === other.volumeId && one.epoch === other.epoch;

/**
 * `mark`: say whose the place is, and plug the volume in. `tidy`: first take away what is left at a place
 * that no device is in. `ask`: the guest once more for what an earlier detach has asked it for.
 */
export type AttachStep =
  | { readonly kind: "done" | "mark" | "ask" | "wait" }
  | { readonly kind: "tidy"; readonly left: AttachedVolume }
  /** A dead device may go when it is asked for once more: then the place is free for the next try. */
  | { readonly kind: "refuse"; readonly why: "occupied" | "elsewhere" | "dead" };

export function attachStep(
  seen: SeenVolumes,
  wanted: Pick<GuestVolume, "place" | keyof VolumeName>,
  asking: Pick<Asking, "canAnswer" | "waitedMs" | "askedMs">,
): AttachStep {
  const all = attachedIn(seen);
  const here = all.filter(({ place }) => place === wanted.place);
  const own = here.find((one) => isSame(one, wanted));
  const left = here.find((one) => one !== own) ?? (own?.state === "open" ? own : undefined);
  if (left !== undefined)
    return left.state === "open"
      ? { kind: "tidy", left }
      : { kind: "refuse", why: left.state === "dead" ? "dead" : "occupied" };
  if (all.some((one) => one !== own && one.volumeId === wanted.volumeId && one.state === "attached"))
    return { kind: "refuse", why: "elsewhere" };
  if (own === undefined)
    return seen.drives.has(wanted.place) ? { kind: "refuse", why: "occupied" } : { kind: "mark" };
  if (own.state === "dead") return { kind: "refuse", why: "dead" };
  return isAsked(seen, wanted.place) ? givenBackFirst(asking) : { kind: "done" };
}

export const isAsked = ({ objects }: SeenVolumes, place: number): boolean =>
  objects.includes(volumeNames(place).asked);

/**
 * A guest that was asked for the device gives it back sooner or later, and would then be without its volume:
 * it is waited for, and given the volume anew. One that does not answer keeps the device, which works.
 */
function givenBackFirst({
  canAnswer,
  waitedMs,
  askedMs,
}: Pick<Asking, "canAnswer" | "waitedMs" | "askedMs">): AttachStep {
  if (!canAnswer || waitedMs >= qemuLimits.detachPatienceMs) return { kind: "done" };
  return { kind: isDue(askedMs) ? "ask" : "wait" };
}

const isDue = (askedMs: number | undefined): boolean =>
  askedMs === undefined || askedMs >= qemuLimits.detachRepeatMs;

export interface Asking {
  /** False: the guest cannot give anything back, as before its first instruction or after its last one. */
  readonly canAnswer: boolean;
  /** True: it is not to be asked. */
  readonly force: boolean;
  /** Since it was asked for the first time. */
  readonly waitedMs: number;
  /** Since it was asked the last time. Undefined: not in this life of the agent. */
  readonly askedMs: number | undefined;
}

/**
 * `ask`: the guest for the device. `cut`: put what fails everything in the volume's place. `close`: the
 * volume; with `dead`, its device stays with the guest.
 */
export type DetachStep =
  | { readonly kind: "done" | "wait" }
  | { readonly kind: "ask" | "cut" | "close" | "closeDead"; readonly of: AttachedVolume };

export function detachStep(seen: SeenVolumes, volume: VolumeName, asking: Asking): DetachStep {
  const of = attachedIn(seen).find((one) => isSame(one, volume));
  if (of === undefined) return { kind: "done" };
  if (of.state === "open") return { kind: "close", of };
  if (of.state === "dead") return { kind: "closeDead", of };
  const patienceMs = asking.force || !asking.canAnswer ? 0 : qemuLimits.detachPatienceMs;
  if (asking.waitedMs >= patienceMs) return { kind: "cut", of };
  return isDue(asking.askedMs) ? { kind: "ask", of } : { kind: "wait" };
}

/** Whether a guest in this state of QEMU's could give back a device, now or when it goes on. */
export const canGiveBack = (runState: string): boolean =>
  runState === "running" || runState === "paused" || runState === "suspended";
