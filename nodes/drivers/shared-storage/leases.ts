/**
 * Storage leases in a directory that hosts share: two files for each host and lease epoch, locked as a whole
 * (flock). A lock belongs to an open file, so that it ends with the last process that has the file open.
 *
 *   leases/<hostId>.e<epoch>            empty, or taken: not empty; locked shared by the agent, and by every
 *                                       guest's process, which is born with a lock of its own
 *   leases/<hostId>.e<epoch>.agent      locked by the agent alone: shows others that its locks reach them
 *
 * A host takes the lease by getting the exclusive lock of the first file and giving the file a size: from
 * then on the lease is taken, whoever locks the file later. A size needs no block, so a full disk can take
 * it. A host examines the lease by trying for a shared lock of the second file, so that two examining hosts
 * do not take each other for the holder.
 *
 * On network storage the locks must be the server's, not the client's (NFS: no `nolock`, no `local_lock`).
 * This file must never take a lease that a process holds.
 */
import { constants, mkdirSync } from "node:fs";
import { type FileHandle, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LeaseKey } from "../../../actors/ports/signs-of-life.ts";
import type { StorageLeaseState, StorageLeases } from "../../../actors/ports/storage-leases.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { systemClock } from "../../process/clock.ts";
import { isMissing, syncDirectory } from "../durable-file.ts";
import { delay, Turns } from "../waiting.ts";
import { lockLimits } from "./limits.ts";
import { openLocked } from "./locked-file.ts";

const { O_CREAT, O_RDONLY, O_RDWR } = constants;

interface Held {
  readonly path: string;
  readonly files: readonly [lease: FileHandle, agent: FileHandle];
  /**
   * True: every living guest that another host may take over was seen to hold the lease, and later guests are
   * born with it.
   */
  covered: boolean;
}

export interface FileStorageLeasesOptions {
  /** The directory that the hosts share. */
  readonly directory: string;
  /** Whether every living guest that another host may take over has this file open. */
  readonly everyGuestHolds: (path: string) => Promise<boolean>;
}

export class FileStorageLeases implements StorageLeases {
  readonly #directory: string;
  readonly #options: FileStorageLeasesOptions;
  readonly #turns = new Turns();
  #held: Held | undefined;

  constructor(options: FileStorageLeasesOptions) {
    this.#options = options;
    this.#directory = join(options.directory, "leases");
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  hold(lease: LeaseKey): Promise<"held" | "uncovered" | "taken"> {
    const path = this.#path(lease);
    return this.#turns.run("own", async () => {
      const held = await this.#hold(path, lease);
      if (await isTaken(held.files[0])) return "taken";
      held.covered ||= await this.#options.everyGuestHolds(path);
      return held.covered ? "held" : "uncovered";
    });
  }

  /**
   * Opens and locks the files of a lease. Files that were removed under their holder are made anew, and do
   * not cover guests that hold the old ones.
   */
  async #hold(path: string, lease: LeaseKey): Promise<Held> {
    const known = this.#held;
    if (known?.path === path && (await isAt(known.files[0], path))) return known;
    await this.#giveUp();
    const files = await this.#open(path);
    const held = { path, files, covered: false };
    this.#held = held;
    await syncDirectory(this.#directory);
    await this.#removeOlder(lease);
    return held;
  }

  /**
   * Opens the file for the process of a guest that is about to start, with a lock of its own; the caller
   * passes it on at once, and closes it. Undefined: the host holds no storage lease.
   * @throws StatusError hypervisorRefused when the lease exists, but cannot be held
   */
  async openForGuest(): Promise<FileHandle | undefined> {
    for (let attempt = 1; this.#held !== undefined; attempt += 1) {
      const { path } = this.#held;
      const file = await openLocked(path, O_RDONLY, "shared").catch(() => undefined);
      // Nothing is awaited after this check: a lease of a later lease epoch would not be known to cover the
      // guest.
      if (file !== undefined && !(await isTaken(file)) && this.#held?.path === path) return file;
      await file?.close();
      if (attempt === lockLimits.storageLockAttemptsMax) throw notHeld();
      await delay(systemClock, lockLimits.storageLockRetryMs);
    }
    return undefined;
  }

  async examine(lease: LeaseKey, take: boolean): Promise<StorageLeaseState> {
    const path = this.#path(lease);
    try {
      return await (take ? takeAt(path) : lookAt(path));
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
    for (const file of held?.files ?? []) await file.close();
  }

  /**
   * Opens and locks both files; another host may be examining the lease at this moment. @throws Error when
   * they stay locked
   */
  async #open(path: string): Promise<Held["files"]> {
    const lease = await this.#openOne(path, O_RDONLY, "shared");
    try {
      return [lease, await this.#openOne(agentPath(path), O_RDWR, "exclusive")];
    } catch (error) {
      await lease.close();
      throw error;
    }
  }

  async #openOne(path: string, flags: number, how: "shared" | "exclusive"): Promise<FileHandle> {
    for (let attempt = 0; attempt < lockLimits.storageLockAttemptsMax; attempt += 1) {
      const file = await openLocked(path, flags | O_CREAT, how);
      if (file !== undefined && (await isAt(file, path))) return file;
      await file?.close();
      await delay(systemClock, lockLimits.storageLockRetryMs);
    }
    throw new Error(`The lock of ${path} is held by another process.`);
  }

  /** Removes the host's files of older lease epochs, which nobody asks for any more. */
  async #removeOlder({ hostId, leaseEpoch }: LeaseKey): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const [, id, old] = /^(.+)\.e([0-9]{1,15})(?:\.agent)?$/.exec(name) ?? [];
      if (id === hostId && Number(old) < leaseEpoch) await rm(join(this.#directory, name), { force: true });
    }
  }

  /** The path of a lease's file. @throws Error when the id is not one: it would lead out of the directory */
  #path({ hostId, leaseEpoch }: LeaseKey): string {
    if (!isToken(hostId)) throw new Error("A host id that is no token cannot name a file.");
    return join(this.#directory, `${hostId}.e${leaseEpoch}`);
  }
}

const agentPath = (path: string): string => `${path}.agent`;

const notHeld = (): StatusError =>
  new StatusError("hypervisorRefused", "The host's lease on the shared storage could not be held.");

/** The state of a lease, without taking it: whether its agent holds it. */
async function lookAt(path: string): Promise<StorageLeaseState> {
  const file = await openLocked(agentPath(path), O_RDONLY, "shared");
  await file?.close();
  if (file === undefined) return "held";
  return (await stat(path)).size > 0 ? "taken" : "free";
}

/** The size of the file of a taken lease; its content says nothing. */
const takenSizeBytes = 6;

async function takeAt(path: string): Promise<StorageLeaseState> {
  const file = await openLocked(path, O_RDWR, "exclusive");
  if (file === undefined) return "held";
  try {
    if (!(await isAt(file, path))) return "absent";
    if (await isTaken(file)) return "taken";
    await file.truncate(takenSizeBytes);
    await file.sync();
    return "taken";
  } finally {
    await file.close();
  }
}

/** True when the locked file still has its name: it was not removed in between. */
async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const [own, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return own.ino === named?.ino && own.dev === named.dev;
}

const isTaken = async (file: FileHandle): Promise<boolean> => (await file.stat()).size > 0;
