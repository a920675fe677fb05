/**
 * The arguments of processes, read in bounded time. The kernel reads them from the memory of the process, and
 * waits for its lock, which a process can hold as long as it likes (a page of a file whose server does not
 * answer). So no more threads of the reader wait than there are places, no process has two of them, and who
 * asks is told in time that there is no answer. The guard's process uses this file as well, so it must import
 * nothing large.
 */
import { readFile } from "node:fs/promises";
import { parseStat } from "./process-stat.ts";
import { sharedPartOf } from "./process-tasks.ts";

/** A process that hangs is known by pid and start time: the pid alone may be another's later. */
export interface ReadProcess {
  readonly pid: number;
  readonly startTicks: number;
}

export interface ArgumentOptions {
  /** Threads of Node's pool that may wait at once: fewer than it has, so that files can be written. */
  readonly atOnce: number;
  /** How long who asks waits. */
  readonly patienceMs: number;
}

type Read = (pid: number) => Promise<string>;

export class ArgumentReader {
  readonly #options: ArgumentOptions;
  readonly #read: Read;
  readonly #reading = new Map<string, Promise<readonly string[] | undefined>>();
  readonly #queue = new Set<() => void>();
  #busy = 0;

  constructor(options: ArgumentOptions, read: Read = readArguments) {
    this.#options = options;
    this.#read = read;
  }

  /** Processes that are read, or wait for a place. */
  get pending(): number {
    return this.#reading.size;
  }

  /**
   * The arguments of a process, of a leader that has ended those of the threads that live; none: it has
   * ended, or is at the beginning of its program. Undefined: it did not answer in time, or had no place.
   */
  read(process: ReadProcess): Promise<readonly string[] | undefined> {
    const key = `${process.pid}:${process.startTicks}`;
    const known = this.#reading.get(key);
    const reading = known ?? this.#begin(process.pid).finally(() => this.#reading.delete(key));
    if (known === undefined) this.#reading.set(key, reading);
    return inTime(reading, this.#options.patienceMs);
  }

  async #begin(pid: number): Promise<readonly string[] | undefined> {
    if (!(await this.#place())) return undefined;
    try {
      return (await this.#read(pid)).split("\0").slice(0, -1);
    } finally {
      // The next one takes the place over.
      const [next] = this.#queue;
      if (next === undefined) this.#busy -= 1;
      else next();
    }
  }

  /** Waits for a place as long as who asks: what is not begun by then is forgotten. */
  #place(): Promise<boolean> {
    if (this.#busy < this.#options.atOnce) {
      this.#busy += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const end = (has: boolean) => {
        clearTimeout(timer);
        this.#queue.delete(take);
        resolve(has);
      };
      const take = () => end(true);
      const timer = setTimeout(() => end(false), this.#options.patienceMs);
      this.#queue.add(take);
    });
  }
}

async function readArguments(pid: number): Promise<string> {
  try {
    const leads = parseStat(await readFile(`/proc/${pid}/stat`, "latin1"))?.state !== "Z";
    return await readFile(`/proc/${leads ? pid : sharedPartOf(pid)}/cmdline`, "utf8");
  } catch {
    // The process has ended.
    return "";
  }
}

function inTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
