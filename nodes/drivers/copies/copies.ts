/**
 * Copies of root disks on their way to an image, each in the directory of its guest, so that they go with it:
 *
 *   copy.part              being filled, by the guest's own user; of no use once its writer has ended
 *   copy-<imageId>.qcow2   whole, and the agent's
 *   copy-<imageId>.json    its size and its checksum; written last, and without it the copy counts as none
 *
 * What a guest's process has written is hostile: a tool that reads it runs as that guest's user, in the cage,
 * and may open what that process may open. Nothing here may ever follow what is written in a disk.
 */
import { type FileHandle, open, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { CopyName, CopyOf, CopyWay, DiskCopies, KeptCopy } from "../../../actors/ports/disk-copies.ts";
import { filling } from "../../../actors/runtime/filling.ts";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { fullBelow } from "../../../protocol/space.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { systemClock } from "../../process/clock.ts";
import { diskError, isMissing, syncDirectory, writeDurably } from "../durable-file.ts";
import { guestDirectory, guestFiles, namesGuest, type StateDirectories } from "../guest-directory.ts";
import { guestUser, imageGroup } from "../guest-user.ts";
import { runCaged } from "../images/cage.ts";
import { imageLimits } from "../images/limits.ts";
import { refusalOf } from "../images/tool-end.ts";
import { driverLimits } from "../limits.ts";
import { runTool } from "../tool.ts";
import { throwIfAborted } from "../waiting.ts";
import { copyBytes, copyFailure, copyTimeoutMs } from "./bounds.ts";
import { hashOf, sendFrom } from "./sending.ts";

/** The path of a guest's root disk, wherever it lies. @throws diskMissing */
export type FindDisk = (of: CopyName) => Promise<string>;

export class FileCopies implements DiskCopies {
  readonly #directories: StateDirectories;
  readonly #findDisk: FindDisk;
  readonly #bases: readonly string[];

  /** `bases`: the directories in which the images below disks are, by their checksums. */
  constructor(directories: StateDirectories, findDisk: FindDisk, bases: readonly string[]) {
    this.#directories = directories;
    this.#findDisk = findDisk;
    this.#bases = bases;
  }

  async prepare(of: CopyOf, signal: AbortSignal): Promise<string> {
    try {
      const disk = await this.#findDisk(of);
      await this.clear(of.instanceId);
      const path = this.#part(of.instanceId);
      const sizeBytes = await virtualBytes(disk);
      const base = of.base === null ? 0 : await this.#baseBytes(of.base);
      await this.#refuseFull(copyBytes({ own: await bytesTaken(disk), base, virtual: sizeBytes }));
      await makeEmpty(path, sizeBytes, signal);
      await give(path, guestUser(of.instanceId));
      return path;
    } catch (error) {
      throw diskError(error, "Making a copy of a disk");
    }
  }

  async fill(of: CopyOf, signal: AbortSignal): Promise<void> {
    const disk = await this.#findDisk(of);
    const path = await this.prepare(of, signal);
    const sizeBytes = await virtualBytes(disk);
    const user = guestUser(of.instanceId);
    const group = of.base === null ? undefined : imageGroup(of.base);
    // Nobody else writes to it on this host; where another host has taken it over, the copy is refused.
    const convert = ["qemu-img", "convert", "-U", "-f", "qcow2", "-O", "qcow2", "-c"];
    const bounds = {
      timeoutMs: copyTimeoutMs(sizeBytes),
      memoryBytes: imageLimits.imageConvertMemoryBytesMax,
      fileBytes: sizeBytes + imageLimits.copyOverheadBytes,
      ...(user === undefined ? {} : { user: user.uid }),
      ...(group === undefined ? {} : { group }),
    };
    const left = () => this.leftBytes();
    const end = await filling({ clock: systemClock, signal, left }, (until) =>
      runCaged([...convert, "-o", zstd, disk, path], { signal: until, bounds }),
    );
    if (end.exitCode !== 0) throw copyFailure(end);
  }

  async keep(of: CopyName, signal: AbortSignal): Promise<KeptCopy> {
    const { imageId, instanceId, ownerEpoch } = of;
    const path = this.#path(of, "qcow2");
    try {
      await take(this.#part(instanceId));
      await rename(this.#part(instanceId), path);
      await syncDirectory(guestDirectory(this.#directories, instanceId));
      const sha256 = await hashOf(path, signal);
      const { size: sizeBytes } = await stat(path);
      const kept = { imageId, instanceId, ownerEpoch, sizeBytes, sha256 };
      await writeDurably(this.#path(of, "json"), JSON.stringify(kept));
      return kept;
    } catch (error) {
      throw isMissing(error) ? gone() : diskError(error, "Keeping a copy of a disk");
    }
  }

  async kept(): Promise<readonly KeptCopy[]> {
    const found: KeptCopy[] = [];
    for (const instanceId of await this.#guests())
      for (const name of await this.#namesIn(instanceId)) {
        const [, imageId] = keptName.exec(name) ?? [];
        if (imageId === undefined || !name.endsWith(".json")) continue;
        const text = await readFile(this.#path({ imageId, instanceId }, "json"), "utf8").catch(() => "");
        const copy = keptIn(text);
        if (copy?.imageId === imageId && copy.instanceId === instanceId) found.push(copy);
      }
    return found;
  }

  async send(imageId: string, way: CopyWay, signal: AbortSignal): Promise<void> {
    const copy = (await this.kept()).find((one) => one.imageId === imageId);
    const file = copy && (await open(this.#path(copy, "qcow2"), "r").catch(() => undefined));
    if (copy === undefined || file === undefined) throw gone();
    try {
      await sendFrom(file, { ...way, sizeBytes: copy.sizeBytes, signal });
    } finally {
      await file.close();
    }
  }

  async remove(imageId: string): Promise<void> {
    if (!isToken(imageId)) return;
    for (const instanceId of await this.#guests())
      for (const ending of ["json", "qcow2"] as const)
        await rm(this.#path({ imageId, instanceId }, ending), { force: true });
  }

  async clear(instanceId: string): Promise<void> {
    await rm(this.#part(instanceId), { force: true });
    const names = await this.#namesIn(instanceId);
    // A process that died between the two names of a whole copy: nobody knows its checksum.
    for (const name of names)
      if (name.endsWith(".qcow2") && keptName.test(name) && !names.includes(jsonOf(name)))
        await rm(join(guestDirectory(this.#directories, instanceId), name), { force: true });
  }

  async leftovers(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const instanceId of await this.#guests()) {
      const names = await this.#namesIn(instanceId);
      const isLeft = (name: string) =>
        name === guestFiles.copy || (keptName.test(name) && !names.includes(jsonOf(name)));
      if (names.some(isLeft)) found.push(instanceId);
    }
    return found;
  }

  async leftBytes(): Promise<number> {
    const { bavail, bsize, blocks } = await statfs(this.#directories.guests);
    const leftBytes = bavail * bsize - fullBelow({ totalBytes: blocks * bsize });
    if (leftBytes < 0) throw full();
    return leftBytes;
  }

  /** What the copy may take has to be free, beside what guests that are there need. @throws diskFull */
  async #refuseFull(neededBytes: number): Promise<void> {
    if ((await this.leftBytes()) < neededBytes) throw full();
  }

  /** What the image below a disk takes, wherever it is; 0: it is nowhere, and the copy will tell. */
  async #baseBytes(sha256: string): Promise<number> {
    if (!isToken(sha256)) return 0;
    const taken = this.#bases.map((directory) => bytesTaken(join(directory, sha256)).catch(() => 0));
    return Math.max(0, ...(await Promise.all(taken)));
  }

  async #guests(): Promise<readonly string[]> {
    return (await readdir(this.#directories.guests)).filter(namesGuest);
  }

  async #namesIn(instanceId: string): Promise<readonly string[]> {
    return readdir(guestDirectory(this.#directories, instanceId)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
  }

  #part(instanceId: string): string {
    return join(guestDirectory(this.#directories, instanceId), guestFiles.copy);
  }

  /** @throws Error for a name that would lead out of the directory */
  #path({ imageId, instanceId }: Pick<CopyName, "imageId" | "instanceId">, ending: "qcow2" | "json"): string {
    if (!isToken(imageId)) throw new Error("A name that is no token cannot name a file.");
    return join(guestDirectory(this.#directories, instanceId), `copy-${imageId}.${ending}`);
  }
}

const keptName = /^copy-([A-Za-z0-9_-]+)\.(?:qcow2|json)$/;
const jsonOf = (name: string): string => name.replace(/\.qcow2$/, ".json");
const zstd = "compression_type=zstd";
/** Of stat's `blocks`. */
const sectorBytes = 512;
const bytesTaken = async (path: string): Promise<number> => (await stat(path)).blocks * sectorBytes;

const full = () => new StatusError("diskFull", "The host has no room for a copy of the disk.");
const gone = () => new StatusError("copyLost", "The copy of the disk is not on the host any more.");

function keptIn(text: string): KeptCopy | undefined {
  try {
    return JSON.parse(text) as KeptCopy;
  } catch {
    return undefined;
  }
}

/** What the header of a qcow2 file says of its size, which its guest's process may have written. */
async function virtualBytes(path: string): Promise<number> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, sizeAt);
    const sizeBytes = buffer.readBigUInt64BE(0);
    if (sizeBytes > 0n && sizeBytes <= BigInt(fieldLimits.diskGibMax) * 1024n ** 3n) return Number(sizeBytes);
    throw new StatusError("copyLost", "The disk has no size that a disk can have.");
  } finally {
    await file.close();
  }
}

/** Source: QEMU's docs/interop/qcow2.txt. */
const sizeAt = 24;

async function makeEmpty(path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const argv = ["create", "-q", "-f", "qcow2", "-o", zstd, path, String(sizeBytes)];
  const end = await runTool("qemu-img", argv, { signal, timeoutMs: driverLimits.diskToolTimeoutMs });
  if (end.exitCode !== 0)
    throw refusalOf(end, { why: "QEMU cannot make a file of its size", doing: "Copying a disk" });
}

async function give(path: string, user: ReturnType<typeof guestUser>): Promise<void> {
  await changing(path, async (file) => {
    await file.chmod(0o600);
    if (user !== undefined) await file.chown(user.uid, user.gid);
  });
}

/** From here on no process of the guest can open it anew, and what it wrote is on the disk. */
async function take(path: string): Promise<void> {
  await changing(path, async (file) => {
    await file.chmod(0o600);
    if (process.getuid?.() === 0) await file.chown(0, 0);
    await file.sync();
  });
}

async function changing(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "r+");
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
