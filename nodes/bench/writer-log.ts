/**
 * Observes from outside who may write to a guest's disk, or to a volume: every 50 ms it asks the kernel which
 * running QEMU processes have the file open for writing, and the file whether it has changed. Observations go
 * into a log of JSON lines; two writers at once are a violation, and so is a file that changes without a
 * writer. Both kinds of files go by an id: that of the instance, or of the volume.
 */
import {
  createWriteStream,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  type WriteStream,
} from "node:fs";
import { join } from "node:path";
import { guestOfArgv } from "../drivers/guest-of-argv.ts";
import { parseStat } from "../drivers/process-stat.ts";
import { type FileKind, fileKinds, idOfPath } from "./written-files.ts";

const periodMs = 50;
/** A process that was no guest in this many looks is not looked at again. */
const strangerAfter = 60;
/** How long after it was stopped a process's writes may still reach the file. */
const tailMs = 200;
/** Period of the log lines about a disk that does not change. */
const quietEveryMs = 1_000;

export interface Opener {
  readonly pid: number;
  /** The process's working directory. */
  readonly cwd: string;
  readonly ownerEpoch: number;
  readonly state: string;
  readonly writes: boolean;
  readonly inode: number;
}

export interface WriterSummary {
  readonly samples: number;
  /** The longest time between two looks. */
  readonly gapMsMax: number;
  readonly twoWriters: readonly string[];
  readonly writtenByNobody: readonly string[];
  /** Samples in which a stopped and a running process had the same disk open: allowed. */
  readonly stoppedBeside: number;
}

interface Disk {
  signature: string;
  mtimeMs: number;
  inode: number;
  /** Undefined: the disk is being made, and no guest has had it open yet. */
  writerSeenAtMs: number | undefined;
  /** The last look: what has changed since then may have been written by who had it open at that look. */
  lookedAtMs: number;
  loggedAtMs: number;
  changes: number;
}

/** Where the file of an id is, and under which epochs, in order: one, except for a moment. */
interface Place {
  readonly kind: FileKind | undefined;
  readonly epochs: readonly number[];
}

export class WriterLog {
  readonly #kinds: readonly FileKind[];
  readonly #out: WriteStream;
  readonly #strangers = new Map<number, number>();
  readonly #argv = new Map<number, readonly string[]>();
  readonly #disks = new Map<string, Disk>();
  readonly #twoWriters: string[] = [];
  readonly #writtenByNobody: string[] = [];
  readonly #timer: NodeJS.Timeout;
  #samples = 0;
  #stoppedBeside = 0;
  #gapMsMax = 0;
  #lastAtMs = performance.now();
  #now: ReadonlyMap<string, readonly Opener[]> = new Map();

  /** `storage`: the directory that the nodes share. */
  constructor(storage: string, file: string) {
    this.#kinds = fileKinds(storage);
    this.#out = createWriteStream(file, { flags: "a" });
    this.#timer = setInterval(() => this.#sample(), periodMs);
  }

  /** The processes that had the instance's disk, or the volume, open at the last look. */
  openersOf(id: string): readonly Opener[] {
    return this.#now.get(id) ?? [];
  }

  note(what: Readonly<Record<string, unknown>>): void {
    this.#out.write(`${JSON.stringify({ atMs: Date.now(), ...what })}\n`);
  }

  summary(): WriterSummary {
    return {
      samples: this.#samples,
      gapMsMax: Math.round(this.#gapMsMax),
      twoWriters: this.#twoWriters,
      writtenByNobody: this.#writtenByNobody,
      stoppedBeside: this.#stoppedBeside,
    };
  }

  async end(): Promise<WriterSummary> {
    clearInterval(this.#timer);
    await new Promise<void>((resolve) => this.#out.end(() => resolve()));
    return this.summary();
  }

  #sample(): void {
    const nowMs = performance.now();
    this.#gapMsMax = Math.max(this.#gapMsMax, nowMs - this.#lastAtMs);
    this.#lastAtMs = nowMs;
    this.#samples += 1;
    const openers = this.#openers();
    this.#now = openers;
    const places = this.#places();
    for (const id of new Set([...openers.keys(), ...places.keys()])) {
      const { kind, epochs } = places.get(id) ?? { kind: undefined, epochs: [] };
      this.#judge(id, { nowMs, kind, openers: openers.get(id) ?? [], epochs });
    }
  }

  #judge(id: string, { nowMs, kind, openers, epochs }: Seen): void {
    const writers = openers.filter(({ writes, state }) => writes && !/^[TtZX]$/.test(state));
    const stopped = openers.filter(({ writes, state }) => writes && /^[Tt]$/.test(state));
    if (writers.length > 0 && stopped.length > 0) this.#stoppedBeside += 1;
    const newest = epochs.at(-1);
    const isThere = kind !== undefined && newest !== undefined;
    const path = isThere ? join(kind.directory, kind.pathOf(id, newest)) : undefined;
    const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    const { mtimeMs, ino } = found ?? { mtimeMs: 0, ino: 0 };
    const disk = this.#diskOf(id, { mtimeMs, inode: ino });
    const changed = disk.mtimeMs !== mtimeMs && disk.inode === ino && mtimeMs > 0;
    disk.mtimeMs = mtimeMs;
    disk.inode = ino;
    if (changed) disk.changes += 1;
    const seenAtMs = disk.writerSeenAtMs ?? nowMs;
    const orphan = changed && writers.length === 0 && disk.lookedAtMs - seenAtMs > tailMs;
    disk.lookedAtMs = nowMs;
    if (writers.length > 0) disk.writerSeenAtMs = nowMs;
    const line = JSON.stringify({ epochs, inode: ino, openers: openers.map(withoutR) });
    if (writers.length > 1) this.#twoWriters.push(`${id}: ${line}`);
    if (orphan) this.#writtenByNobody.push(`${id}: ${line}`);
    const due = nowMs - disk.loggedAtMs >= quietEveryMs;
    if (line === disk.signature && !orphan && writers.length < 2 && !due) return;
    disk.signature = line;
    disk.loggedAtMs = nowMs;
    const { changes } = disk;
    disk.changes = 0;
    this.note({ id, epochs, inode: ino, mtimeMs, changes, writers: writers.length, openers });
  }

  #diskOf(id: string, seen: { mtimeMs: number; inode: number }): Disk {
    const known = this.#disks.get(id);
    if (known !== undefined) return known;
    const { mtimeMs, inode } = seen;
    const never = { writerSeenAtMs: undefined, lookedAtMs: 0, loggedAtMs: 0 };
    const disk = { signature: "", mtimeMs, inode, changes: 0, ...never };
    this.#disks.set(id, disk);
    return disk;
  }

  #places(): ReadonlyMap<string, Place> {
    const each = (kind: FileKind) =>
      [...kind.epochs()].map(([id, epochs]) => [id, { kind, epochs }] as const);
    return new Map(this.#kinds.flatMap(each));
  }

  #openers(): ReadonlyMap<string, readonly Opener[]> {
    const found = new Map<string, Opener[]>();
    const pids = namesIn("/proc")
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number);
    const living = new Set(pids);
    for (const known of [this.#strangers, this.#argv])
      for (const pid of known.keys()) if (!living.has(pid)) known.delete(pid);
    for (const pid of pids) {
      const argv = this.#guestArgv(pid);
      const tag = argv && guestOfArgv(argv);
      if (tag === undefined) continue;
      for (const [id, opener] of this.#openedBy(pid, tag.ownerEpoch))
        found.set(id, [...(found.get(id) ?? []), opener]);
    }
    return found;
  }

  #guestArgv(pid: number): readonly string[] | undefined {
    const known = this.#argv.get(pid);
    if (known !== undefined) return known;
    const looks = this.#strangers.get(pid) ?? 0;
    if (looks > strangerAfter) return undefined;
    const argv = (reading(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "").split("\0");
    if (guestOfArgv(argv) !== undefined) {
      this.#argv.set(pid, argv);
      return argv;
    }
    this.#strangers.set(pid, looks + 1);
    return undefined;
  }

  /** What the process has open, by id; empty when it is gone or has nothing of this storage open. */
  #openedBy(pid: number, ownerEpoch: number): ReadonlyMap<string, Opener> {
    const opened = new Map<string, Opener>();
    const stat = reading(() => parseStat(readFileSync(`/proc/${pid}/stat`, "latin1")));
    const cwd = reading(() => readlinkSync(`/proc/${pid}/cwd`));
    if (stat === undefined || stat.dead || cwd === undefined) return opened;
    for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
      const one = reading(() => this.#openedAs(pid, descriptor));
      if (one === undefined) continue;
      const writes = one.writes || opened.get(one.id)?.writes === true;
      opened.set(one.id, { pid, cwd, ownerEpoch, state: stat.state, inode: one.inode, writes });
    }
    return opened;
  }

  /** Undefined: the descriptor is of no file that is looked at. */
  #openedAs(pid: number, descriptor: string) {
    const path = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    const id = idOfPath(this.#kinds, path);
    if (id === undefined) return undefined;
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "utf8"));
    const writes = (Number.parseInt(flags?.[1] ?? "0", 8) & 3) !== 0;
    return { id, inode: statSync(`/proc/${pid}/fd/${descriptor}`).ino, writes };
  }
}

interface Seen extends Place {
  readonly nowMs: number;
  readonly openers: readonly Opener[];
}

/** The opener without the difference between sleeping and computing, which is not worth a log line. */
const withoutR = ({ state, ...rest }: Opener) => ({ ...rest, state: /^[RSD]$/.test(state) ? "R" : state });

const namesIn = (directory: string): readonly string[] => reading(() => readdirSync(directory)) ?? [];

/** The result of a look at a process; undefined when the process went away during it. */
function reading<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
