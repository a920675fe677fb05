/**
 * The disks port on directories. Images are copied from the image store into a cache, under their checksum
 * and only after verification. A root disk is an overlay on a cached image, in the guest's own directory or
 * on storage that hosts share. The guest's working directory is always the host's own. This file must never
 * give a guest a file that was not verified.
 */

import { opendir, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CopyName, DiskCopies } from "../../actors/ports/disk-copies.ts";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { Disks, GuestNetworks, ReleaseOptions } from "../../actors/ports/disks.ts";
import type { GuestPaths } from "../../actors/ports/hypervisor.ts";
import { filesOf, type ImageFile } from "../../protocol/image.ts";
import type { MachineSpec, SharedDisk } from "../../protocol/machine.ts";
import { fullSentence, spaceOf } from "../../protocol/space.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { DirectorySpace, spaceNames } from "../process/disk-space.ts";
import { ensureConfigDrive } from "./config-drive/drive.ts";
import { FileCopies } from "./copies/copies.ts";
import { diskError, isMissing, writeDurably } from "./durable-file.ts";
import {
  exists,
  guestDirectory,
  guestFiles,
  makeGuestDirectory,
  namesGuest,
  type StateDirectories,
} from "./guest-directory.ts";
import { guestUser } from "./guest-user.ts";
import { ImageCache, type ImageSource } from "./images/cache.ts";
import type { CacheRoom } from "./images/cache-room.ts";
import type { ImageLeases } from "./images/leases.ts";
import { driverLimits } from "./limits.ts";
import { canMakeLocalDisks } from "./local-disks.ts";
import { refuseTooSmall } from "./overlay.ts";
import { diskFiles, ensureOwnDisks, hasDisk } from "./own-disks.ts";
import { removeTree } from "./remove-tree.ts";
import type { SharedStorage } from "./shared-storage/storage.ts";
import { throwIfAborted } from "./waiting.ts";

export interface FileDisksOptions {
  readonly shared?: SharedStorage;
  readonly space?: DiskSpace;
  readonly cache?: { readonly room: CacheRoom; readonly leases: ImageLeases };
}

export class FileDisks implements Disks {
  readonly configDrives = true;
  readonly localDisks = canMakeLocalDisks();
  readonly copies: DiskCopies;
  readonly #directories: StateDirectories;
  readonly #cache: ImageCache;
  readonly #shared: SharedStorage | undefined;
  /** Cache of the images below root disks. */
  readonly #bases: ImageCache;
  readonly #space: DiskSpace;
  readonly #room: CacheRoom | undefined;
  readonly #leases: ImageLeases | undefined;

  /**
   * `shared`: the storage of root disks; absent: root disks lie with the other files of a guest. `space`:
   * room on both. `cache`: the bound of the host's own cache; absent: it has none.
   */
  constructor(
    directories: StateDirectories,
    images: ImageSource,
    { shared, space = new DirectorySpace([]), cache }: FileDisksOptions = {},
  ) {
    this.#directories = directories;
    this.#space = space;
    this.#shared = shared;
    this.#room = cache?.room;
    this.#leases = cache?.leases;
    const bases = [directories.images, ...(shared === undefined ? [] : [shared.images])];
    this.copies = new FileCopies(directories, (of) => this.#rootDisk(of), bases);
    const bounded = cache === undefined ? {} : { room: cache.room };
    this.#cache = new ImageCache(directories, images, { leftoverMsMin: 0, ...bounded });
    this.#bases =
      shared === undefined
        ? this.#cache
        : new ImageCache(shared, images, { leftoverMsMin: driverLimits.sharedLeftoverMs });
  }

  async ensure(spec: MachineSpec, signal: AbortSignal, networks?: GuestNetworks): Promise<GuestPaths> {
    throwIfAborted(signal);
    refuseTooSmall(spec);
    const directory = guestDirectory(this.#directories, spec.instanceId);
    if (!(await exists(directory))) await this.#refuseWhenFull(spec);
    try {
      const files = await this.#leasing(spec, () => this.#ensureFiles(spec, directory, signal));
      const configDrive = await ensureConfigDrive(spec, directory, networks);
      return { directory, ...files, configDrive };
    } catch (error) {
      throw diskError(error, `Preparing the disks of instance ${spec.instanceId}`);
    }
  }

  /** Nothing that the guest is made of is evicted before its own files name it. */
  #leasing<Answer>({ image }: MachineSpec, work: () => Promise<Answer>): Promise<Answer> {
    return this.#leases === undefined ? work() : this.#leases.holding(filesOf(image), work);
  }

  async #ensureFiles(spec: MachineSpec, directory: string, signal: AbortSignal) {
    const { instanceId, image } = spec;
    const [cache, shared] = await this.#placeOf(spec);
    const cached = async (file: ImageFile | null, place: ImageCache) =>
      file === null ? undefined : place.ensure({ ...file, instanceId }, signal);
    const [below, kernel, ramdisk] = await Promise.all([
      cached(image.disk, cache),
      cached(image.kernel, this.#cache),
      cached(image.ramdisk, this.#cache),
    ]);
    await makeGuestDirectory(directory, guestUser(instanceId));
    const disks = hasDisk(spec) ? await this.#ensureDisks(spec, shared, signal) : undefined;
    const base = shared === undefined ? undefined : below;
    const direct = disks !== undefined && shared?.direct === true;
    return { disk: undefined, ...disks, direct, base, kernel, ramdisk };
  }

  /** @throws diskMissing */
  async #rootDisk({ instanceId, ownerEpoch }: CopyName): Promise<string> {
    const own = join(guestDirectory(this.#directories, instanceId), guestFiles.disk);
    const shared = this.#shared?.diskPath(instanceId, ownerEpoch);
    for (const path of [own, shared]) if (path !== undefined && (await exists(path))) return path;
    throw new StatusError("diskMissing", `The root disk of instance ${instanceId} is not on this host.`);
  }

  async tidy(): Promise<boolean> {
    return (await this.#room?.tidy()) ?? true;
  }

  async image(disk: ImageFile & { readonly instanceId: string }, signal: AbortSignal): Promise<string> {
    try {
      return await this.#cache.ensure(disk, signal);
    } catch (error) {
      throw diskError(error, "Bringing an image to the host");
    }
  }

  /**
   * Refuses a new guest before the last byte is gone: guests that are there must be able to stop, and to be
   * removed. A disk that is taken over is on the shared storage already. @throws diskFull
   */
  async #refuseWhenFull({ takesOverDisk, instanceId }: MachineSpec): Promise<void> {
    const needed = (await this.#space.look()).filter(({ of }) => !takesOverDisk || of !== spaceNames.shared);
    const full = needed.map((one) => spaceOf(one, false)).find((one) => one.full);
    if (full === undefined) return;
    const message = `The host makes nothing for instance ${instanceId}: ${fullSentence(full)}.`;
    throw new StatusError("diskFull", message);
  }

  /**
   * The image cache and the shared storage for a guest's disk. A disk that was made before the node shared
   * any storage stays where it is.
   */
  async #placeOf(spec: MachineSpec): Promise<readonly [ImageCache, SharedStorage | undefined]> {
    const own = guestDirectory(this.#directories, spec.instanceId);
    // A storage that is not mounted is an empty directory with another id: no new disk is made there.
    if (hasDisk(spec) && spec.storageId !== null && spec.storageId !== this.#shared?.storageId)
      throw new StatusError(
        "diskMissing",
        `The disk of instance ${spec.instanceId} is on shared storage that this host does not see.`,
      );
    const shared = this.#shared !== undefined && !(await hasAny(own));
    return shared ? [this.#bases, this.#shared] : [this.#cache, undefined];
  }

  async #ensureDisks(spec: MachineSpec, shared: SharedStorage | undefined, signal: AbortSignal) {
    const directory = guestDirectory(this.#directories, spec.instanceId);
    if (shared === undefined) return ensureOwnDisks(spec, directory, signal);
    // Recorded before the disk is made, so that a disk that is only half made is found and released.
    if ((await this.#epochOf(spec.instanceId)) !== spec.ownerEpoch) {
      await writeDurably(join(directory, guestFiles.epoch), String(spec.ownerEpoch));
    }
    return shared.ensure(spec, signal);
  }

  /** The owner epoch of the guest's disk that this host has on the shared storage; undefined: none. */
  async #epochOf(instanceId: string): Promise<number | undefined> {
    const path = join(guestDirectory(this.#directories, instanceId), guestFiles.epoch);
    try {
      const text = await readFile(path, "utf8");
      return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async release(instanceId: string, ownerEpoch?: number, options?: ReleaseOptions): Promise<void> {
    const directory = guestDirectory(this.#directories, instanceId);
    const own = this.#shared === undefined ? undefined : await this.#epochOf(instanceId);
    const released = ownerEpoch ?? own;
    if (released !== undefined && options?.keepDisk !== true)
      await this.#shared?.release(instanceId, released);
    // The working directory belongs to the later owner epoch already.
    if (own !== undefined && released !== undefined && own > released) return;
    // A disk in the guest's own directory that is to be kept holds somebody's data, whatever the record says.
    if (options?.keepDisk === true && (await hasAny(directory))) return;
    await removeTree(directory);
  }

  /** Where the disks of this host's guests are, or would be: in its own directory, and in the shared one. */
  async diskPaths(): Promise<{ readonly own: readonly string[]; readonly shared: readonly string[] }> {
    const names = (await readdir(this.#directories.guests)).filter(namesGuest);
    const all = (directory: string) => diskFiles.map((file) => join(directory, file));
    const own = names.flatMap((id) => all(guestDirectory(this.#directories, id)));
    const shared: string[] = [];
    for (const id of this.#shared === undefined ? [] : names) {
      const epoch = await this.#epochOf(id);
      const path = epoch === undefined ? undefined : this.#shared?.diskPath(id, epoch);
      if (path !== undefined) shared.push(...all(dirname(path)));
    }
    return { own, shared };
  }

  async listShared(): Promise<readonly SharedDisk[]> {
    return (await this.#shared?.list()) ?? [];
  }

  async releaseShared(instanceId: string, ownerEpoch: number): Promise<void> {
    await this.#shared?.release(instanceId, ownerEpoch);
  }

  async list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]> {
    // What has another name belongs to no guest, whoever made it: a mount point has directories of its own.
    const names = (await readdir(this.#directories.guests)).filter(namesGuest);
    const listed = await Promise.all(names.map((instanceId) => this.#listOne(instanceId)));
    return listed.filter((one) => one !== undefined);
  }

  async #listOne(instanceId: string) {
    try {
      const path = join(this.#directories.guests, instanceId);
      const entries = await readdir(path, { withFileTypes: true });
      const own = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
      const files = [...own, ...(await namesIn(join(path, guestFiles.runtime)))];
      const ownerEpoch = files.includes(guestFiles.epoch) ? await this.#epochOf(instanceId) : undefined;
      const shared =
        ownerEpoch === undefined ? [] : ((await this.#shared?.files(instanceId, ownerEpoch)) ?? []);
      return { instanceId, files: [...files, ...shared].sort() };
    } catch (error) {
      // Released since the listing; or not a directory, which is a stray for the audit to report.
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

/**
 * Names in a directory that its guest's process fills as it likes: some of them, and nothing below. A link
 * that the process has made there is a name, and is not followed.
 */
async function namesIn(directory: string): Promise<readonly string[]> {
  const names: string[] = [];
  const found = await opendir(directory).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined) return names;
  for await (const entry of found) {
    if (!entry.isDirectory()) names.push(entry.name);
    if (names.length >= driverLimits.runtimeNamesMax) break;
  }
  return names;
}

/** True when a disk of a guest lies in the directory. */
async function hasAny(directory: string): Promise<boolean> {
  for (const file of diskFiles) if (await exists(join(directory, file))) return true;
  return false;
}
