/**
 * The disks port for containers: each instance has a root file system of its own in a file, made of a file
 * image that holds a file system or a tar archive. The disks are this host's own: no other host sees them.
 */
import { chown, lstat, mkdir, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Disks,
  type GuestPaths,
  type MachineSpec,
  type ReleaseOptions,
  type SharedDisk,
  StatusError,
} from "novact/plugin";
import { instanceIds } from "./consoles.ts";
import { extract } from "./extraction.ts";
import { guestDirectory, guestFiles, isMissing, makeContainers } from "./guest-files.ts";
import {
  type ContainerHost,
  extractionParent,
  hierarchies,
  refuseClosed,
  runtimeDefault,
  told,
} from "./host.ts";
import type { DisksOptions } from "./options.ts";
import { UidClaims } from "./uid-claims.ts";
import { recordedUids, uidFirstDefault, uidRanges } from "./uid-range.ts";
import { copyVerified } from "./verified-copy.ts";
import { Turns } from "./waiting.ts";

const bytesPerMib = 1024 * 1024;
const rootMibMinDefault = 512;
/** Free bytes that the host's file system keeps for what is there already. */
const reserveBytes = 64 * bytesPerMib;

export interface RootDisksOptions extends DisksOptions {
  readonly imageStore: string;
  /** Where all nodes of the computer say which user ids their containers have. */
  readonly claims: string;
}

export class RootDisks implements Disks {
  readonly #host: ContainerHost;
  readonly #options: RootDisksOptions;
  readonly #turns = new Turns();
  #claimed: Promise<void> | undefined;
  readonly #claims: UidClaims;

  constructor(host: ContainerHost, options: RootDisksOptions) {
    this.#host = host;
    this.#options = options;
    this.#claims = new UidClaims(options.claims);
  }

  ensure(spec: MachineSpec, signal: AbortSignal): Promise<GuestPaths> {
    return this.#turns.run(spec.instanceId, () => told(() => this.#ensure(spec, signal)));
  }

  async #ensure(spec: MachineSpec, signal: AbortSignal): Promise<GuestPaths> {
    signal.throwIfAborted();
    if (spec.storageId !== null) {
      const message = `The disk of instance ${spec.instanceId} is on shared storage; containers have none.`;
      throw new StatusError("diskMissing", message);
    }
    const directory = guestDirectory(this.#host.containers, spec.instanceId);
    const has = (name: string) => exists(join(directory, name));
    const isNew = wantsDisk(spec) && !(await has(guestFiles.disk));
    if (isNew) await this.#refuseWhenFull(spec);
    await makeContainers(this.#host.containers);
    await mkdir(directory, { recursive: true, mode: 0o711 });
    await writeFile(join(directory, guestFiles.epoch), String(spec.ownerEpoch), { mode: 0o600 });
    try {
      const { kernel, ramdisk } = spec.image;
      for (const [file, name] of [
        [kernel, guestFiles.kernel] as const,
        [ramdisk, guestFiles.ramdisk] as const,
      ])
        if (file !== null && !(await has(name)))
          await copyVerified(this.#options.imageStore, file, join(directory, name), signal);
      if (isNew) await this.#makeDisk(spec, directory, signal);
      else await this.#keepUids(spec.instanceId, directory);
      return pathsOf(spec, directory);
    } catch (error) {
      throw diskFullOr(error, spec.instanceId);
    }
  }

  /** @throws diskFull */
  async #refuseWhenFull({ image, instanceId }: MachineSpec): Promise<void> {
    const { freeBytes } = await spaceOf(this.#host.containers);
    if (freeBytes > reserveBytes + 2 * (image.disk?.sizeBytes ?? 0)) return;
    const message = `The host makes nothing for instance ${instanceId}: the file system of the state directory is full.`;
    throw new StatusError("diskFull", message);
  }

  async #makeDisk(spec: MachineSpec, directory: string, signal: AbortSignal): Promise<void> {
    refuseClosed(directory);
    const uidFirst = await this.#uids(spec.instanceId, directory);
    const image = spec.image.disk === null ? undefined : join(directory, guestFiles.partialImage);
    try {
      if (image !== undefined && spec.image.disk !== null) {
        refuseFormat(spec.image.disk.format);
        await copyVerified(this.#options.imageStore, spec.image.disk, image, signal);
        await chown(image, uidFirst, uidFirst);
      }
      const disk = await extract(
        {
          ...{ instanceId: spec.instanceId, directory, image, uidFirst },
          sizeBytes: this.#sizeOf(spec),
          runtime: runtimeDefault,
          hierarchies: hierarchies(),
          cgroupParent: extractionParent(this.#host),
        },
        signal,
      );
      await rename(disk, join(directory, guestFiles.disk));
    } finally {
      if (image !== undefined) await rm(image, { force: true });
      await rm(join(directory, guestFiles.partialDisk), { force: true });
    }
  }

  /** Chooses a range for a disk that is about to be made. @throws hypervisorRefused when all are taken */
  async #uids(instanceId: string, directory: string): Promise<number> {
    this.#claimed ??= this.#claimRecorded().catch((error: unknown) => {
      this.#claimed = undefined;
      throw error;
    });
    await this.#claimed;
    const recorded = await recordedUids(directory);
    if (recorded !== undefined && (await this.#claims.claim(recorded, directory))) return recorded;
    const { uidFirst = uidFirstDefault } = this.#options;
    for (const uids of uidRanges(instanceId, uidFirst)) {
      await writeFile(join(directory, guestFiles.uids), String(uids), { mode: 0o600 });
      if (await this.#claims.claim(uids, directory)) return uids;
    }
    await rm(join(directory, guestFiles.uids), { force: true });
    const message = `Every range of user ids from ${uidFirst} on is taken by containers of this computer.`;
    throw new StatusError("hypervisorRefused", message);
  }

  /** Containers of an agent before there were claims have a range all the same. */
  async #claimRecorded(): Promise<void> {
    for (const instanceId of await instanceIds(this.#host.containers)) {
      const directory = guestDirectory(this.#host.containers, instanceId);
      const uids = await recordedUids(directory);
      if (uids !== undefined) await this.#claims.claim(uids, directory);
    }
  }

  /**
   * The files of a disk are those of a range for good: another container may have taken it when the claims
   * of this computer were removed. @throws hypervisorRefused
   */
  async #keepUids(instanceId: string, directory: string): Promise<void> {
    const uids = await recordedUids(directory);
    if (uids === undefined || (await this.#claims.claim(uids, directory))) return;
    const message = `The user ids of instance ${instanceId} are those of another container of this computer by now.`;
    throw new StatusError("hypervisorRefused", message);
  }

  #sizeOf({ diskGib, image }: MachineSpec): number {
    const { rootMibMin = rootMibMinDefault } = this.#options;
    if (diskGib > 0) return diskGib * 1024 * bytesPerMib;
    return Math.max(rootMibMin * bytesPerMib, image.disk?.virtualSizeBytes ?? 0);
  }

  release(instanceId: string, ownerEpoch?: number, options?: ReleaseOptions): Promise<void> {
    return this.#turns.run(instanceId, async () => {
      const directory = guestDirectory(this.#host.containers, instanceId);
      const own = await epochOf(directory);
      // The directory is a later owner epoch's already.
      if (own !== undefined && ownerEpoch !== undefined && own > ownerEpoch) return;
      // A disk that is to be kept and lies here alone holds somebody's data, whatever else is said.
      if (options?.keepDisk === true && (await exists(join(directory, guestFiles.disk)))) return;
      const uids = await recordedUids(directory);
      // First: once the directory is gone, another container may have the claim.
      if (uids !== undefined) await this.#claims.release(uids, directory);
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    });
  }

  async list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]> {
    const all = await instanceIds(this.#host.containers);
    const listed = await Promise.all(all.map((instanceId) => this.#listOne(instanceId)));
    return listed.filter((one) => one !== undefined);
  }

  async #listOne(instanceId: string) {
    try {
      const entries = await readdir(join(this.#host.containers, instanceId), { withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      return { instanceId, files: files.sort() };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async listShared(): Promise<readonly SharedDisk[]> {
    return [];
  }

  async releaseShared(): Promise<void> {
    return undefined;
  }

  async look(): Promise<readonly FileSystemSpace[]> {
    return [{ of: "state directory", ...(await spaceOf(this.#host.containers)) }];
  }
}

interface FileSystemSpace {
  readonly of: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const wantsDisk = ({ image, diskGib }: MachineSpec): boolean => image.disk !== null || diskGib > 0;

function pathsOf(spec: MachineSpec, directory: string): GuestPaths {
  const { kernel, ramdisk } = spec.image;
  return {
    directory,
    disk: wantsDisk(spec) ? join(directory, guestFiles.disk) : undefined,
    kernel: kernel === null ? undefined : join(directory, guestFiles.kernel),
    ramdisk: ramdisk === null ? undefined : join(directory, guestFiles.ramdisk),
  };
}

/** A qcow2 is unpacked by QEMU alone. @throws unusableImage */
function refuseFormat(format: string): void {
  if (format === "raw") return;
  const message = `The image is ${format}: containers begin with a raw image of a file system, or a tar archive.`;
  throw new StatusError("unusableImage", message);
}

/** The owner epoch that the directory was last made ready for. */
export async function epochOf(directory: string): Promise<number | undefined> {
  try {
    const text = await readFile(join(directory, guestFiles.epoch), "utf8");
    return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Of the directory, or of the nearest one above that is there already. */
async function spaceOf(path: string): Promise<Omit<FileSystemSpace, "of">> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    if (!isMissing(error) || path === "/") throw error;
    return spaceOf(join(path, ".."));
  }
}

function diskFullOr(error: unknown, instanceId: string): unknown {
  const isFull =
    error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
  if (!isFull) return error;
  const message = `The disk of instance ${instanceId} could not be made: the file system of the state directory is full.`;
  return new StatusError("diskFull", message, { cause: error });
}
