/**
 * Leases on a directory that hosts share: one empty file for each host and epoch of its lease, locked as a
 * whole (flock). A shared lock belongs to an open file, so that it ends with the last process that has it
 * open: the agent has one, and every guest's process is born with one of its own. Who gets the exclusive lock
 * writes its word into the file: from then on the lease is taken, whoever locks it later.
 *
 *   leases/<hostId>.e<epoch>            empty, or who took it
 *
 * On network storage the locks must be the server's, not the client's (NFS: no `nolock`, no `local_lock`);
 * whoever relies on them looks first whether it can see them held. This file must never take a lease that a
 * process holds.
 */
import { constants, mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LeaseKey } from "../../actors/runtime/ports.ts";
import type { StorageLeaseState, StorageLeases } from "../../actors/runtime/storage-leases.ts";
import { limits } from "../../protocol/limits.ts";
import { StatusError } from "../../protocol/status.ts";
import { isToken } from "../../protocol/subjects.ts";
import { isMissing, syncDirectory } from "./durable-file.ts";
import { runTool } from "./tool.ts";
import { Turns } from "./waiting.ts";

const { O_CREAT, O_RDONLY, O_RDWR } = constants;
/** flock's answer when another one has it; any that the tool does not use by itself. */
const conflictExitCode = 75;

interface Held {
  readonly path: string;
  readonly file: FileHandle;
  /** Every such guest that lives was seen to hold it, and every later one is born with it. */
  covered: boolean;
}

export interface FileStorageLeasesOptions {
  /** The directory that hosts share. */
  readonly directory: string;
  /** Whether every living guest that another host may take over has this file open. */
  readonly everyGuestHolds: (path: string) => Promise<boolean>;
}

export class FileStorageLeases implements StorageLeases {
  readonly #directory: string;
  readonly #options: FileStorageLeasesOptions;
  readonly #turns = new Turns();
  #held: Held | undefined;
  /** A guest was begun while there was no lease: whether it holds one is not known before the next life. */
  #begunWithout = false;

  constructor(options: FileStorageLeasesOptions) {
    this.#options = options;
    this.#directory = join(options.directory, "leases");
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  hold(lease: LeaseKey): Promise<"held" | "uncovered" | "taken"> {
    const path = this.#path(lease);
    return this.#turns.run("own", async () => {
      if (this.#held?.path !== path) {
        await this.#giveUp();
        this.#held = await this.#open(path);
        await this.#removeOlder(lease);
      }
      if (await isTaken(this.#held.file)) return "taken";
      if (this.#begunWithout) return "uncovered";
      this.#held.covered ||= await this.#options.everyGuestHolds(path);
      return this.#held.covered ? "held" : "uncovered";
    });
  }

  /**
   * For the process of a guest that is about to start: an open file with a lock of its own, for who starts it
   * to pass on and to close. Undefined: the host holds no lease here.
   * @throws StatusError hypervisorRefused when there is a lease, and it cannot be held
   */
  async openForGuest(): Promise<FileHandle | undefined> {
    const path = this.#held?.path;
    if (path === undefined) {
      this.#begunWithout = true;
      return undefined;
    }
    const file = await openLocked(path, O_RDONLY, "shared").catch(() => undefined);
    if (file !== undefined && !(await isTaken(file))) return file;
    await file?.close();
    throw new StatusError("hypervisorRefused", "The host's lease on the shared storage could not be held.");
  }

  async examine(lease: LeaseKey, take: boolean): Promise<StorageLeaseState> {
    const path = this.#path(lease);
    try {
      const file = await openLocked(path, O_RDWR, "exclusive");
      if (file === undefined) return "held";
      try {
        if (!(await isAt(file, path))) return "absent";
        if (await isTaken(file)) return "taken";
        if (!take) return "free";
        await file.write("taken\n");
        await file.datasync();
        return "taken";
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) return "absent";
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#turns.run("own", () => this.#giveUp());
  }

  async #giveUp(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.file.close();
  }

  /** Another host may be looking at it at this moment. @throws Error when it stays locked */
  async #open(path: string): Promise<Held> {
    for (let attempt = 0; attempt < limits.storageLockAttemptsMax; attempt += 1) {
      const file = await openLocked(path, O_RDONLY | O_CREAT, "shared");
      if (file !== undefined && (await isAt(file, path))) {
        await syncDirectory(this.#directory);
        return { path, file, covered: false };
      }
      await file?.close();
    }
    throw new Error(`The lock of ${path} is held by another host.`);
  }

  /** Of this host: nobody asks for them any more. */
  async #removeOlder({ hostId, epoch }: LeaseKey): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const [, id, old] = /^(.+)\.e([0-9]{1,15})$/.exec(name) ?? [];
      if (id === hostId && Number(old) < epoch) await rm(join(this.#directory, name), { force: true });
    }
  }

  /** @throws Error when the id is not one: it would be a way out of the directory */
  #path({ hostId, epoch }: LeaseKey): string {
    if (!isToken(hostId)) throw new Error("A host id that is no token cannot name a file.");
    return join(this.#directory, `${hostId}.e${epoch}`);
  }
}

/** Undefined: another process has it. @throws Error when nobody can tell; ENOENT */
async function openLocked(
  path: string,
  flags: number,
  how: "shared" | "exclusive",
): Promise<FileHandle | undefined> {
  const file = await open(path, flags, 0o600);
  try {
    const argv = ["--nonblock", "--conflict-exit-code", String(conflictExitCode), `--${how}`, "3"];
    const timeoutMs = limits.storageLockTimeoutMs;
    const { exitCode, errors } = await runTool("flock", argv, { timeoutMs, descriptor: file.fd });
    if (exitCode === 0) return file;
    if (exitCode !== conflictExitCode) throw new Error(`flock did not lock ${path}: ${errors.trim()}`);
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/** The file that was locked is the one that has the name: it was not removed in between. */
async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const [own, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return own.ino === named?.ino && own.dev === named.dev;
}

const isTaken = async (file: FileHandle): Promise<boolean> => (await file.stat()).size > 0;
