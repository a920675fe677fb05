/**
 * The disks port on a local directory: images are copied from the image store into a cache, under their
 * checksum and only after it was verified; a root disk is a qcow2 overlay on a cached image, made once and
 * then kept. This file must never touch an overlay that exists (a guest's data is in it), and never give a
 * guest a file that was not verified.
 */
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Disks, GuestPaths } from "../../actors/runtime/ports.ts";
import { limits } from "../../protocol/limits.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/status.ts";
import { diskError, isMissing, temporaryName } from "./durable-file.ts";
import {
  exists,
  type GuestUser,
  guestDirectory,
  guestFiles,
  guestUser,
  makeGuestDirectory,
  type StateDirectories,
} from "./guest-directory.ts";
import { ImageCache } from "./image-cache.ts";
import { runTool } from "./tool.ts";
import { throwIfAborted } from "./waiting.ts";

export class FileDisks implements Disks {
  readonly #directories: StateDirectories;
  readonly #cache: ImageCache;

  /** `imageStore`: the directory that registered images are in, by their checksums. */
  constructor(directories: StateDirectories, imageStore: string) {
    this.#directories = directories;
    this.#cache = new ImageCache(directories, imageStore);
  }

  async ensure(spec: MachineSpec, signal: AbortSignal): Promise<GuestPaths> {
    throwIfAborted(signal);
    const { disk, kernel, ramdisk } = spec.image;
    refuseTooSmall(spec);
    const directory = guestDirectory(this.#directories, spec.instanceId);
    try {
      const [base, kernelPath, ramdiskPath] = await Promise.all([
        disk === null ? undefined : this.#cache.ensure(disk, signal),
        kernel === null ? undefined : this.#cache.ensure(kernel, signal),
        ramdisk === null ? undefined : this.#cache.ensure(ramdisk, signal),
      ]);
      await makeGuestDirectory(directory, guestUser(spec.instanceId));
      const path = await this.#ensureDisk(spec, base, signal);
      return { directory, disk: path, kernel: kernelPath, ramdisk: ramdiskPath };
    } catch (error) {
      throw diskError(error, `Preparing the disks of instance ${spec.instanceId}`);
    }
  }

  async #ensureDisk(spec: MachineSpec, base: string | undefined, signal: AbortSignal) {
    if (base === undefined && spec.diskGib === 0) return undefined;
    const directory = guestDirectory(this.#directories, spec.instanceId);
    const path = join(directory, guestFiles.disk);
    if (!(await exists(path))) await this.#makeDisk(spec, path, signal);
    return path;
  }

  async #makeDisk(spec: MachineSpec, path: string, signal: AbortSignal): Promise<void> {
    const directory = guestDirectory(this.#directories, spec.instanceId);
    await removeLeftovers(directory);
    const temporary = temporaryName(path);
    try {
      await createOverlay(spec, { directory, file: temporary, signal });
      const user = guestUser(spec.instanceId);
      await finish(temporary, user);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async release(instanceId: string): Promise<void> {
    await rm(guestDirectory(this.#directories, instanceId), { recursive: true, force: true, maxRetries: 3 });
  }

  async list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]> {
    const names = await readdir(this.#directories.guests);
    const listed = await Promise.all(names.map((instanceId) => this.#listOne(instanceId)));
    return listed.filter((one) => one !== undefined);
  }

  async #listOne(instanceId: string) {
    try {
      const path = join(this.#directories.guests, instanceId);
      const entries = await readdir(path, { withFileTypes: true, recursive: true });
      const files = entries.filter((entry) => !entry.isDirectory());
      return { instanceId, files: files.map((entry) => entry.name).sort() };
    } catch (error) {
      // Released since it was listed; or not a directory, which is a stray and the audit's to tell.
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

const gib = 1024 ** 3;

/** Its content is on the disk before it has its name: after a power loss there is a whole overlay or none. */
async function finish(path: string, user: GuestUser | undefined): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.chmod(0o600);
    if (user !== undefined) await file.chown(user.uid, user.gid);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** @throws INTERNAL hypervisorRefused: the scheduler should not have let it come so far */
function refuseTooSmall(spec: MachineSpec): void {
  const { disk } = spec.image;
  if (disk === null || spec.diskGib === 0 || spec.diskGib * gib >= disk.virtualSizeBytes) return;
  const message = `The root disk of instance ${spec.instanceId} would be smaller than its image.`;
  throw new StatusError("hypervisorRefused", message);
}

/** The base is named relative to the overlay: the guest's user may not see the directories above it. */
async function createOverlay(
  spec: MachineSpec,
  options: { readonly directory: string; readonly file: string; readonly signal: AbortSignal },
): Promise<void> {
  const { disk } = spec.image;
  const size = spec.diskGib === 0 ? (disk?.virtualSizeBytes ?? 0) : spec.diskGib * gib;
  const backing = disk === null ? [] : ["-b", `../../images/${disk.sha256}`, "-F", disk.format];
  const argv = ["create", "-q", "-f", "qcow2", ...backing, options.file, String(size)];
  const { directory: cwd, signal } = options;
  const result = await runTool("qemu-img", argv, { cwd, signal, timeoutMs: limits.diskToolTimeoutMs });
  if (result.exitCode === 0) return;
  const full = /No space left on device|Disk quota exceeded/.test(result.errors);
  const message = full
    ? `The disk of instance ${spec.instanceId} could not be made: no space is left on the host.`
    : `The disk of instance ${spec.instanceId} could not be made.`;
  throw new StatusError(full ? "diskFull" : "guestFailed", message, { detail: result.errors });
}

/**
 * Of an agent that died while it made the disk. One machine actor works on a guest's disk, so nobody else
 * uses them.
 */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(`${guestFiles.disk}.`)) await rm(join(directory, name), { force: true });
  }
}
