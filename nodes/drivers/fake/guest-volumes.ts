/**
 * Volumes of running fake guests, with the promises of QEMU's driver: a guest that gives nothing back keeps a
 * dead device, and its place with it.
 */
import type {
  AttachedVolume,
  DetachOptions,
  GuestVolume,
  VolumeName,
} from "../../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { delay, throwIfAborted } from "../waiting.ts";
import type { FakeWorld } from "./world.ts";

/** As QEMU's driver. */
const [patienceMs, probeMs, placesMax] = [30_000, 50, 26];

type Volumes = Map<number, AttachedVolume>;

const isSame = (one: VolumeName, other: VolumeName): boolean =>
  one.volumeId === other.volumeId && one.epoch === other.epoch;

const refused = (message: string): StatusError => new StatusError("hypervisorRefused", message);

/** What a guest sees of a volume's id. */
const serialLength = 20;

/** Volumes of a start, as QEMU's driver judges them. @throws hypervisorRefused */
export function refuseUnfitVolumes(
  { instanceId, shape }: Pick<MachineSpec, "instanceId" | "shape">,
  volumes: readonly GuestVolume[],
): void {
  if (volumes.length === 0) return;
  if (shape === undefined) throw refused(`Instance ${instanceId} has no places for volumes.`);
  if (new Set(volumes.map(({ place }) => place)).size < volumes.length)
    throw refused("Two volumes of a guest have one place.");
  if (new Set(volumes.map(({ volumeId }) => volumeId.slice(0, serialLength))).size < volumes.length)
    throw refused("A guest could not tell two of its volumes from each other.");
}

/** A volume of which no storage of the world knows may have any size. @throws hypervisorRefused */
export function refuseShrinking(world: FakeWorld, { volumeId }: VolumeName, sizeBytes: number): void {
  const known = world.pools.map((pool) => pool.volumes.get(volumeId)).find((one) => one !== undefined);
  if (known !== undefined && sizeBytes < known.sizeBytes) throw refused("A volume is never made smaller.");
}

/**
 * A volume that a storage of the world knows is there under the path of its present epoch alone. @throws
 * hypervisorRefused
 */
export function refuseMissing(world: FakeWorld, volume: VolumeName): void {
  const isKnown = world.pools.some((pool) => pool.volumes.has(volume.volumeId));
  if (isKnown && world.fileOf(volume) === undefined) throw refused("The volume's file is not there.");
}

/** @throws hypervisorRefused */
export function attachTo(volumes: Volumes, { volumeId, epoch, place }: GuestVolume): void {
  if (!Number.isInteger(place) || place < 0 || place >= placesMax)
    throw refused(`A guest has ${placesMax} volumes at most.`);
  const wanted = { volumeId, epoch, place, state: "attached" } as const;
  const here = volumes.get(place);
  if (here !== undefined && (!isSame(here, wanted) || here.state === "dead"))
    throw refused("Another volume is in that place.");
  const elsewhere = [...volumes.values()].some(
    (one) => one.volumeId === volumeId && one !== here && one.state === "attached",
  );
  if (elsewhere) throw refused("The volume is in another place.");
  volumes.set(place, wanted);
}

/**
 * A guest that is paused, and one that clings, is waited for; not one that has ended, or waits for a disk.
 * @throws AbortError
 */
export async function detachFrom(
  world: FakeWorld,
  instanceId: string,
  volume: VolumeName,
  { force = false, waitedMs = 0, signal }: DetachOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { clock } = world;
  const deadlineMs = clock.monotonicMs() + (force ? 0 : patienceMs - waitedMs);
  for (;;) {
    throwIfAborted(signal);
    const guest = world.processOf(instanceId);
    const volumes = guest?.volumes;
    const found = [...(volumes?.values() ?? [])].find((one) => isSame(one, volume));
    if (guest === undefined || volumes === undefined || found === undefined) return;
    const { status, clings, isFull } = guest;
    const hasEnded = status === "shutdown" || status === "panicked" || isFull;
    const gives = status === "running" && !clings;
    if (found.state === "open") {
      volumes.delete(found.place);
      return;
    }
    if (found.state === "dead") {
      // The guest is asked for the device once more, and nobody waits for the guest.
      if (gives) volumes.delete(found.place);
      return;
    }
    if (!force && gives) {
      volumes.delete(found.place);
      return;
    }
    if (hasEnded || clock.monotonicMs() >= deadlineMs) {
      volumes.set(found.place, { ...found, state: "dead" });
      return;
    }
    await delay(clock, probeMs, signal);
  }
}

/** The guest ejects a volume that nobody has asked it for. */
export function ejectFrom(world: FakeWorld, instanceId: string, which: number): void {
  const guest = world.processOf(instanceId);
  if (guest?.status !== "running" || world.isFrozen(instanceId) || !world.answers(instanceId)) return;
  const has = [...guest.volumes.values()].filter(({ state }) => state === "attached");
  const one = has[which % Math.max(1, has.length)];
  if (one === undefined) return;
  guest.volumes.set(one.place, { ...one, state: "open" });
  world.emit({ kind: "ejected", instanceId, place: one.place });
}

/** The guest writes what a disk has no room for, and waits. */
export function fillDisk(world: FakeWorld, instanceId: string): void {
  const guest = world.processOf(instanceId);
  if (guest?.status !== "running") return;
  guest.isFull = true;
  world.guestDoes(instanceId, "paused");
}
