/**
 * Observes from outside who may write to a guest's disk: every 50 ms it asks the kernel which running QEMU
 * processes have the disk open for writing, and the disk whether it has changed. The observations go into a
 * log of JSON lines; two writers at once are a violation, and so is a disk that changes without a writer.
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
import { guestFiles } from "../drivers/guest-directory.ts";
import { guestOfArgv } from "../drivers/guest-of-argv.ts";
import { parseStat } from "../drivers/process-stat.ts";

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

export class WriterLog {
  readonly #guests: string;
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

  /** `guests`: the directory of the disks on the storage that the nodes share. */
  constructor(guests: string, file: string) {
    this.#guests = guests;
    this.#out = createWriteStream(file, { flags: "a" });
    this.#timer = setInterval(() => this.#sample(), periodMs);
  }

  /** The processes that had the disk open at the last look. */
  openersOf(instanceId: string): readonly Opener[] {
    return this.#now.get(instanceId) ?? [];
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
    for (const instanceId of new Set([...openers.keys(), ...places.keys()])) {
      this.#judge(instanceId, {
        nowMs,
        openers: openers.get(instanceId) ?? [],
        epochs: places.get(instanceId) ?? [],
      });
    }
  }

  #judge(instanceId: string, { nowMs, openers, epochs }: Seen): void {
    const writers = openers.filter(({ writes, state }) => writes && !/^[TtZX]$/.test(state));
    const stopped = openers.filter(({ writes, state }) => writes && /^[Tt]$/.test(state));
    if (writers.length > 0 && stopped.length > 0) this.#stoppedBeside += 1;
    const path = join(this.#guests, `${instanceId}.e${epochs.at(-1)}`, guestFiles.disk);
    const { mtimeMs, ino } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0, ino: 0 };
    const disk = this.#diskOf(instanceId, { mtimeMs, inode: ino });
    const changed = disk.mtimeMs !== mtimeMs && disk.inode === ino && mtimeMs > 0;
    disk.mtimeMs = mtimeMs;
    disk.inode = ino;
    if (changed) disk.changes += 1;
    const seenAtMs = disk.writerSeenAtMs ?? nowMs;
    const orphan = changed && writers.length === 0 && disk.lookedAtMs - seenAtMs > tailMs;
    disk.lookedAtMs = nowMs;
    if (writers.length > 0) disk.writerSeenAtMs = nowMs;
    const line = JSON.stringify({ epochs, inode: ino, openers: openers.map(withoutR) });
    if (writers.length > 1) this.#twoWriters.push(`${instanceId}: ${line}`);
    if (orphan) this.#writtenByNobody.push(`${instanceId}: ${line}`);
    const due = nowMs - disk.loggedAtMs >= quietEveryMs;
    if (line === disk.signature && !orphan && writers.length < 2 && !due) return;
    disk.signature = line;
    disk.loggedAtMs = nowMs;
    const { changes } = disk;
    disk.changes = 0;
    this.note({ instanceId, epochs, inode: ino, mtimeMs, changes, writers: writers.length, openers });
  }

  #diskOf(instanceId: string, seen: { mtimeMs: number; inode: number }): Disk {
    const known = this.#disks.get(instanceId);
    if (known !== undefined) return known;
    const { mtimeMs, inode } = seen;
    const never = { writerSeenAtMs: undefined, lookedAtMs: 0, loggedAtMs: 0 };
    const disk = { signature: "", mtimeMs, inode, changes: 0, ...never };
    this.#disks.set(instanceId, disk);
    return disk;
  }

  /** The owner epochs under which each disk lies on the storage, in order: one, except for a moment. */
  #places(): ReadonlyMap<string, readonly number[]> {
    const places = new Map<string, number[]>();
    for (const name of namesIn(this.#guests)) {
      const [, instanceId, ownerEpoch] = /^([0-9a-f-]{36})\.e([0-9]+)$/.exec(name) ?? [];
      if (instanceId === undefined) continue;
      places.set(
        instanceId,
        [...(places.get(instanceId) ?? []), Number(ownerEpoch)].sort((a, b) => a - b),
      );
    }
    return places;
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
      const opener = this.#openerOf(pid, tag.ownerEpoch);
      if (opener !== undefined) found.set(tag.instanceId, [...(found.get(tag.instanceId) ?? []), opener]);
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

  /** The process as an opener of a disk; undefined when it is gone or has no disk of this storage open. */
  #openerOf(pid: number, ownerEpoch: number): Opener | undefined {
    return reading(() => {
      const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
      if (stat === undefined || stat.dead) return undefined;
      let inode = 0;
      let writes = false;
      for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
        const path = reading(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? "";
        if (!path.startsWith(this.#guests) || !path.includes(guestFiles.disk)) continue;
        inode = statSync(`/proc/${pid}/fd/${descriptor}`).ino;
        const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "utf8"));
        writes ||= (Number.parseInt(flags?.[1] ?? "0", 8) & 3) !== 0;
      }
      if (inode === 0) return undefined;
      return { pid, cwd: readlinkSync(`/proc/${pid}/cwd`), ownerEpoch, state: stat.state, writes, inode };
    });
  }
}

interface Seen {
  readonly nowMs: number;
  readonly openers: readonly Opener[];
  readonly epochs: readonly number[];
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
