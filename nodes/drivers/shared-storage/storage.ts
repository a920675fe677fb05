/**
 * Disks in a directory that several hosts see:
 *
 *   storage.json                        the id of this storage, made once
 *   images/<sha256>                     cached images, read-only, as on a host
 *   leases/                             storage leases of the hosts (leases.ts)
 *   guests/<instanceId>.e<epoch>/       the disks of one owner epoch of an instance, and nothing else
 *     disk.qcow2  ephemeral.raw  swap.raw
 *   guests/<instanceId>.r<epoch>/       the same, being removed
 *
 * A disk is taken over by renaming its directory to the name of the new owner epoch: at that moment the old
 * owner's path is gone, for its agent and for its guard. A disk is removed by renaming its directory first: a
 * host that still has the old name in its cache would otherwise empty a directory that got a new name. This
 * file must never make a disk where one should have been taken over, nor touch the disk of a later owner
 * epoch.
 */
import { closeSync, constants, openSync, rmSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { GuestPaths } from "../../../actors/ports/hypervisor.ts";
import type { MachineSpec, SharedDisk } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import type { Ids } from "../../../protocol/wire/transport.ts";
import { isMissing, syncDirectory, temporaryName } from "../durable-file.ts";
import { exists, guestFiles, makeOpenDirectories } from "../guest-directory.ts";
import { ensureOwnDisks, firstDisk } from "../own-disks.ts";
import { throwIfAborted } from "../waiting.ts";
import { asideFirst, byInstance, type Found, foundIn } from "./names.ts";
import { storageIdOf } from "./storage-id.ts";

type DiskPath = "disk" | "ephemeral" | "swap";

/** Concurrent renames succeed once for each owner epoch; more than a few failures in a row are no race. */
const renamesMax = 8;

export class SharedStorage {
  readonly storageId: string;
  /** True: the file system lets files be written past the page cache; one in memory does not. */
  readonly direct: boolean;
  /** Real path of the storage's directory. */
  readonly root: string;
  readonly images: string;
  readonly #guests: string;

  /**
   * Makes the missing directories. Synchronous: it happens once, before anything else can.
   * @throws Error when the guests' users could not reach them
   */
  constructor(directory: string, ids: Ids) {
    const root = makeOpenDirectories(directory, ["guests", "images"]);
    this.root = root;
    this.#guests = join(root, "guests");
    this.images = join(root, "images");
    this.storageId = storageIdOf(root, ids);
    this.direct = canWriteDirectly(root);
  }

  /**
   * The paths of the disks under the name of this owner epoch. Idempotent: completes what a crash has left
   * half done.
   * @throws diskMissing, staleEpoch, diskFull; AbortError
   */
  async ensure(spec: MachineSpec, signal: AbortSignal): Promise<Pick<GuestPaths, DiskPath>> {
    const directory = this.#directory(spec.instanceId, spec.ownerEpoch);
    await this.#ensureDirectory(spec, directory, signal);
    const paths = await ensureOwnDisks(spec, directory, signal).catch(async (error: unknown) => {
      // Another host has taken them over since, under the hands of whatever tool.
      throw (await exists(directory)) ? error : stale(spec);
    });
    if (!spec.takesOverDisk) await this.#clearBefore(spec);
    return paths;
  }

  /** The disks of a guest that is new are made in it, and the first disk of any other is there. */
  async #ensureDirectory(spec: MachineSpec, directory: string, signal: AbortSignal): Promise<void> {
    const path = join(directory, firstDisk(spec));
    for (let round = 0; round < renamesMax; round += 1) {
      throwIfAborted(signal);
      if (await exists(path)) return;
      const epochs = await this.#epochs(spec.instanceId);
      if ((epochs.at(-1) ?? 0) > spec.ownerEpoch) throw stale(spec);
      if (!spec.takesOverDisk) return this.#make(directory);
      if (!(await this.#takeOver(spec, epochs))) continue;
      await this.#clearBefore(spec);
      return;
    }
    throw stale(spec);
  }

  /**
   * Removes disks of earlier owner epochs, which nobody can take over once this disk is there. A failure does
   * not keep the guest from running: leftovers on this storage are found by the controllers' sweep.
   */
  async #clearBefore({ instanceId, ownerEpoch }: MachineSpec): Promise<void> {
    await this.release(instanceId, ownerEpoch - 1).catch(() => undefined);
  }

  async #make(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o711 });
    if (process.getuid?.() === 0) await chmod(directory, 0o711);
    await syncDirectory(this.#guests);
  }

  /** Takes over the newest earlier disk; false: another host was faster. */
  async #takeOver(spec: MachineSpec, epochs: readonly number[]): Promise<boolean> {
    const from = epochs.findLast((ownerEpoch) => ownerEpoch < spec.ownerEpoch);
    if (from === undefined) throw missing(spec);
    const old = this.#directory(spec.instanceId, from);
    if (!(await exists(join(old, firstDisk(spec))))) {
      if (await exists(old)) throw missing(spec);
      return false;
    }
    if (!(await renamed(old, this.#directory(spec.instanceId, spec.ownerEpoch)))) return false;
    await syncDirectory(this.#guests);
    return true;
  }

  /**
   * Removes the disks of this owner epoch and of all before it: the hosts of those are lost, and this one
   * never took their disk over. A later owner epoch's disk is never touched.
   */
  async release(instanceId: string, ownerEpoch: number): Promise<void> {
    const upTo = (one: Found) => one.instanceId === instanceId && one.ownerEpoch <= ownerEpoch;
    for (const one of (await this.#all()).filter(upTo).sort(asideFirst)) {
      const aside = this.#directory(instanceId, one.ownerEpoch, "r");
      if (one.letter === "e" && !(await renamed(this.#directory(instanceId, one.ownerEpoch), aside)))
        continue;
      await rm(aside, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** All disks in the order of instances and owner epochs; a partly removed disk counts as there. */
  async list(): Promise<readonly SharedDisk[]> {
    const disks = new Map(
      (await this.#all()).map(({ instanceId, ownerEpoch }) => [
        `${instanceId}.${ownerEpoch}`,
        { instanceId, ownerEpoch },
      ]),
    );
    return [...disks.values()].sort(byInstance);
  }

  /** The files of one owner epoch's disk; none when it has no directory. */
  async files(instanceId: string, ownerEpoch: number): Promise<readonly string[]> {
    try {
      return await readdir(this.#directory(instanceId, ownerEpoch));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Where the disk of one owner epoch is, or would be. */
  diskPath(instanceId: string, ownerEpoch: number): string {
    return join(this.#directory(instanceId, ownerEpoch), guestFiles.disk);
  }

  /** Owner epochs of the instance's disks, ascending. */
  async #epochs(instanceId: string): Promise<readonly number[]> {
    const disks = (await this.#all()).filter((one) => one.letter === "e" && one.instanceId === instanceId);
    return disks.map(({ ownerEpoch }) => ownerEpoch).sort((one, other) => one - other);
  }

  async #all(): Promise<readonly Found[]> {
    return (await readdir(this.#guests)).flatMap((name) => foundIn(name) ?? []);
  }

  /** The directory of a disk. @throws Error when the id is not one: it would lead out of the directory */
  #directory(instanceId: string, ownerEpoch: number, letter: Found["letter"] = "e"): string {
    if (!isToken(instanceId)) throw new Error("An instance id that is no token cannot name a directory.");
    return join(this.#guests, `${instanceId}.${letter}${ownerEpoch}`);
  }
}

/** Renames a directory; false: it has no longer that name. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

const missing = (spec: MachineSpec): StatusError =>
  new StatusError("diskMissing", `The disk of instance ${spec.instanceId} is not on the shared storage.`);

const stale = (spec: MachineSpec): StatusError =>
  new StatusError("staleEpoch", `The disk of instance ${spec.instanceId} belongs to a newer epoch.`);

function canWriteDirectly(root: string): boolean {
  const path = temporaryName(join(root, "direct"));
  try {
    const { O_CREAT, O_DIRECT, O_EXCL, O_RDWR } = constants;
    closeSync(openSync(path, O_RDWR | O_CREAT | O_EXCL | O_DIRECT, 0o600));
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}
