/**
 * Makes the volumes of a guest those of its spec: before its start, and while it lives. It asks the
 * hypervisor what the process has and begins there, whatever an earlier life has left half done. What goes
 * does not wait for what comes; one that cannot go or come keeps no other from it. It must never take silence
 * for an answer: whatever throws is tried again.
 */
import type { MachineSpec, MachineVolume, VolumeRef } from "../../../protocol/machine.ts";
import { fullBelow } from "../../../protocol/space.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Disks } from "../../ports/disks.ts";
import type { GuestVolume, Hypervisor } from "../../ports/hypervisor.ts";
import type { BlockDevice, VolumeSource, VolumeStorage } from "../../ports/volumes.ts";
import type { HeldVolume, HeldVolumes, VolumeNote } from "./volume-facts.ts";
import { isSameVolume, volumePlan, waitedMs } from "./volume-plan.ts";
import type { VolumeStorages } from "./volume-storages.ts";

export interface VolumePorts {
  readonly hypervisor: Hypervisor;
  readonly storages: VolumeStorages;
  readonly disks: Pick<Disks, "image">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface VolumeWork {
  readonly ports: VolumePorts;
  readonly spec: MachineSpec;
  /** What earlier works have learned of them. */
  readonly notes: readonly VolumeNote[];
  readonly signal: AbortSignal;
  /** Hears each change, before it is made of what comes, and after it is made of what goes. */
  readonly tell: (held: HeldVolumes) => void;
}

/** @throws the first failure, when everything else is done; AbortError */
export async function changeVolumes(work: VolumeWork): Promise<void> {
  const { ports, spec, signal } = work;
  const { volumes: wanted = [] } = spec;
  const living = await ports.hypervisor.inspect(spec.instanceId);
  if (living?.ownerEpoch !== spec.ownerEpoch) {
    await releaseOthers(work, []);
    work.tell({ has: wanted.map(noted), coming: [] });
    return;
  }
  const failures: unknown[] = [];
  const before = await lookAtVolumes(work);
  const { leaving } = volumePlan(wanted, before);
  const outcomes = await Promise.allSettled(leaving.map((one) => detach(work, one)));
  signal.throwIfAborted();
  failures.push(...outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : [])));
  const closed = leaving.filter((_, index) => outcomes[index]?.status === "fulfilled");
  let has = leaving.length > 0 ? await lookAtVolumes(work, closed) : before;
  const open = has.filter((one) => !isClosed(one, closed));
  await releaseOthers(work, open).catch((error: unknown) => failures.push(error));
  const { coming, growing } = volumePlan(wanted, has);
  // A volume whose attaching failed may be attached all the same, and one that did not open be open.
  const unsure: VolumeRef[] = [];
  const say = (...on: readonly VolumeRef[]) =>
    work.tell({ has: asSaid(has, closed), coming: [...unsure, ...on] });
  for (const volume of [...coming, ...growing])
    try {
      const isNew = coming.includes(volume);
      const sizeBytes = await (isNew ? attach(work, volume, say) : grow(work, volume));
      const { volumeId, epoch, place } = volume;
      const now = { volumeId, epoch, place, state: "attached", sizeBytes } as const;
      has = [...has.filter((one) => one.place !== place), now];
      say();
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
      unsure.push({ volumeId: volume.volumeId, epoch: volume.epoch });
      // Also what was not opened may be noted on its storage: it leaves by another work.
      say();
    }
  if (failures.length > 0) throw failures[0];
}

const noted = ({ volumeId, epoch, place }: MachineVolume): HeldVolume => ({
  ...{ volumeId, epoch, place, state: "open" },
});

/** A guest is told of the sizes that its disks have at its start. */
export async function lookAfterStart(work: VolumeWork): Promise<void> {
  const { spec, notes, tell } = work;
  const told = (spec.volumes ?? []).map(({ volumeId, epoch, sizeBytes }) => ({
    volumeId,
    epoch,
    toldBytes: sizeBytes,
  }));
  await lookAtVolumes({ ...work, notes: [...told, ...notes], tell });
}

/** `closed`: those that the hypervisor has closed, whatever the guest has given back. */
async function lookAtVolumes(
  { ports, spec, notes, signal, tell }: VolumeWork,
  closed: readonly VolumeRef[] = [],
): Promise<readonly HeldVolume[]> {
  const { hypervisor } = ports;
  const found = (await hypervisor.volumesOf?.(spec.instanceId, signal)) ?? [];
  const has = found.map((one): HeldVolume => {
    const sizeBytes = notes.find((note) => isSameVolume(note, one))?.toldBytes;
    return sizeBytes === undefined ? one : { ...one, sizeBytes };
  });
  tell({ has: asSaid(has, closed), coming: [] });
  return has;
}

const isClosed = (one: HeldVolume, closed: readonly VolumeRef[]): boolean =>
  one.state === "dead" && closed.some((other) => isSameVolume(one, other));

/** A dead device may still have the volume's file open: until the detach has ended nobody says otherwise. */
const asSaid = (has: readonly HeldVolume[], closed: readonly VolumeRef[]): readonly HeldVolume[] =>
  has.map((one) => (one.state === "dead" && !isClosed(one, closed) ? { ...one, state: "open" } : one));

async function detach({ ports, spec, notes, signal }: VolumeWork, volume: HeldVolume): Promise<void> {
  const { hypervisor, clock } = ports;
  const { volumeId, epoch } = volume;
  const force = spec.forcedVolumes?.some((one) => isSameVolume(one, volume)) === true;
  const asked = { force, waitedMs: waitedMs(notes, volume, clock.nowMs()) };
  await hypervisor.detachVolume?.(spec, { volumeId, epoch }, asked, signal);
}

/** Answers the size of which the guest is told. */
async function attach(
  work: VolumeWork,
  wanted: MachineVolume,
  say: (coming: VolumeRef) => void,
): Promise<number> {
  const { ports, spec, signal } = work;
  const { hypervisor } = ports;
  if (hypervisor.attachVolume === undefined)
    throw new StatusError("hypervisorRefused", "The hypervisor gives a running guest no volumes.");
  const { volume, sizeBytes } = await openVolume(work, wanted);
  const { volumeId, epoch } = wanted;
  say({ volumeId, epoch });
  await hypervisor.attachVolume(spec, volume, signal);
  return sizeBytes;
}

/** The storage goes first: the guest is told of what is there. */
async function grow(work: VolumeWork, wanted: MachineVolume): Promise<number> {
  const { ports, spec, signal } = work;
  const { volume, sizeBytes } = await openVolume(work, wanted);
  await ports.hypervisor.resizeVolume?.(spec, volume, sizeBytes, signal);
  return sizeBytes;
}

/**
 * Opens the volumes of a guest that is about to start; whatever else was open for it is closed. @throws what
 * the storage throws; diskMissing for a volume that is lost
 */
export async function openForStart(work: VolumeWork): Promise<readonly GuestVolume[]> {
  const { ports, spec } = work;
  const { volumes: wanted = [] } = spec;
  if (wanted.length > 0 && ports.hypervisor.attachVolume === undefined)
    throw new StatusError("hypervisorRefused", "The host's hypervisor gives guests no volumes.");
  await releaseOthers(work, []);
  const opened: GuestVolume[] = [];
  for (const volume of wanted) opened.push((await openVolume(work, volume, "asItIs")).volume);
  return opened;
}

interface OpenedVolume {
  readonly volume: GuestVolume;
  /** Size of the volume on its storage: the wanted size or more. */
  readonly sizeBytes: number;
}

/**
 * Makes the volumes of a guest that is about to start, where they are missing: it takes as long as their
 * images are large, and is waited for before the guest has a place among those that boot.
 */
export async function makeMissing(work: VolumeWork): Promise<void> {
  for (const volume of work.spec.volumes ?? []) if (!volume.made) await deviceOf(work, volume);
}

/** Opens the volume, when it is made. */
async function deviceOf({ ports, spec, signal }: VolumeWork, wanted: MachineVolume): Promise<BlockDevice> {
  const { volumeId, epoch } = wanted;
  const { instanceId, ownerEpoch } = spec;
  const storage = await ports.storages.find(wanted.storageId);
  const use = { instanceId, ownerEpoch, epoch, takesOver: true, mode: "readWrite" } as const;
  const open = () => storage.open(volumeId, use, signal);
  const asked = { volumeId, clock: ports.clock, signal };
  // The storage would have it wait for the copy, whatever becomes of the guest meanwhile.
  await ports.storages.makings.settled(asked);
  return open().catch(async (error: unknown) => {
    if (StatusError.from(error, "Opening a volume").reason !== "diskMissing") throw error;
    if (wanted.made) throw lost(wanted);
    await ports.storages.makings.make(asked, (until) =>
      make({ ports, storage, wanted, instanceId, signal: until }),
    );
    return open();
  });
}

/** `asItIs`: a storage without room to extend it keeps no guest from its start. */
async function openVolume(
  work: VolumeWork,
  wanted: MachineVolume,
  size: "asItIs" | "asWanted" = "asWanted",
): Promise<OpenedVolume> {
  const { ports, spec, signal } = work;
  const { instanceId } = spec;
  const { volumeId, epoch, place, sizeBytes, bootIndex } = wanted;
  const device = await deviceOf(work, wanted);
  const storage = await ports.storages.find(wanted.storageId);
  const has = await storage.extend(volumeId, { epoch, sizeBytes }, signal).catch((error: unknown) => {
    const { reason, message } = StatusError.from(error, "Extending a volume");
    if (size !== "asItIs" || reason !== "diskFull") throw error;
    ports.log.warn({ volumeId, instanceId, message }, "a volume stays smaller than it is to be");
    return 0;
  });
  const booted = bootIndex === undefined ? {} : { bootIndex };
  return { volume: { volumeId, epoch, place, device, ...booted }, sizeBytes: has };
}

interface Making {
  readonly ports: VolumePorts;
  readonly storage: VolumeStorage;
  readonly wanted: MachineVolume;
  readonly instanceId: string;
  readonly signal: AbortSignal;
}

async function make({ ports, storage, wanted, instanceId, signal }: Making): Promise<void> {
  const { volumeId, epoch, sizeBytes } = wanted;
  const disk = wanted.source && { ...wanted.source.image.disk, instanceId };
  const source = disk && (await sourceOf(ports.disks, disk, signal));
  await storage.create(volumeId, { epoch, sizeBytes, ...(source === null ? {} : { source }) }, signal);
}

async function sourceOf(
  disks: Pick<Disks, "image">,
  disk: NonNullable<MachineVolume["source"]>["image"]["disk"] & { readonly instanceId: string },
  signal: AbortSignal,
): Promise<VolumeSource> {
  const path = await disks.image?.(disk, signal);
  if (path !== undefined) return { kind: "image", path, format: disk.format };
  throw new StatusError("hypervisorRefused", "The host's disks driver gives no images to volumes.");
}

const lost = ({ volumeId }: VolumeRef): StatusError =>
  new StatusError("diskMissing", `The volume ${volumeId} was made, and is not on its storage any more.`);

/** The machine is to be gone, and no process of it is left. */
export const releaseAll = (work: VolumeWork): Promise<void> =>
  releaseOthers({ ...work, spec: { ...work.spec, volumes: [] } }, [], work.spec.volumes);

/**
 * Lets a guest go on that a full storage has paused, when there is room: each vain try would be told to
 * everybody. @throws diskFull when there is none, or the guest was let go on a moment ago
 */
export async function goOn({ ports, spec, signal }: VolumeWork): Promise<void> {
  const { hypervisor, storages } = ports;
  const { instanceId, volumes = [] } = spec;
  for (const storageId of new Set(volumes.map((one) => one.storageId))) {
    const usage = await (await storages.find(storageId)).usage?.();
    if (usage === undefined) continue;
    const { freeBytes, capacityBytes: totalBytes } = usage;
    if (freeBytes < fullBelow({ totalBytes })) throw stillFull();
  }
  if (await hypervisor.continueFull?.(instanceId, signal)) return;
  const guest = await hypervisor.inspect(instanceId);
  if (guest?.pausedBy === "diskFull") throw stillFull();
  await hypervisor.resume(instanceId, signal);
}

const stillFull = (): StatusError =>
  new StatusError("diskFull", "A full storage has paused the guest: it goes on when there is room.");

/**
 * Notes on storages of what is open for the guest, beyond its spec and what its process still has, are
 * removed. A storage on which nothing of the spec is may be silent: its note keeps nobody from anything.
 */
async function releaseOthers(
  { ports, spec, signal }: VolumeWork,
  has: readonly VolumeRef[],
  on = spec.volumes ?? [],
): Promise<void> {
  const { instanceId, ownerEpoch, volumes: wanted = [] } = spec;
  const volumes = [...wanted, ...has].map(({ volumeId, epoch }) => ({ volumeId, epoch }));
  const needed = new Set<VolumeStorage>();
  for (const { storageId } of on) needed.add(await ports.storages.find(storageId));
  for (const storage of ports.storages.all)
    await storage.releaseOthers({ instanceId, ownerEpoch, volumes }, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      ports.storages.doubted.add(storage);
      if (needed.has(storage)) throw error;
      ports.log.warn({ instanceId, err: error }, "A storage of volumes was not told that one is closed.");
    });
}
