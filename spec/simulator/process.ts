/**
 * A process of the simulated cluster: it can be killed, paused and gone on with, and everything it does is
 * gated by that. Its clock is its machine's: the wall clock may jump, and the monotonic one began anywhere.
 */
import { createIds } from "../../protocol/wire/ids.ts";
import type { BusMessage, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import type { BusyLoop } from "./busy-loop.ts";
import type { Kernel, Owner, Step } from "./kernel.ts";
import { Tally } from "./tally.ts";
import type { LifeVersion } from "./versions.ts";

/** In the ids of whatever is made. */
export const simulatedDeployment = 5;

/** The wall clock when a run begins. */
export const epochMs = Date.UTC(2030, 0, 1);

/** Clock and name that all processes of one computer share. */
export interface Machine {
  readonly name: string;
  /** The wall clock is wrong by so much. */
  wallShiftMs: number;
  /** Where its monotonic clock began: the same for all its processes, and another on every machine. */
  readonly monotonicShiftMs: number;
}

/** A message was handed to `to`, which works on it. */
export type Burden = (
  to: SimulatedProcess,
  message: BusMessage,
  work: Promise<BusMessage | readonly BusMessage[] | undefined>,
) => void;

export class SimulatedProcess implements Owner {
  readonly name: string;
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** What is done at this thread, by its own count and by the world's. */
  readonly tally: Tally;
  readonly backlog: Step[] = [];
  alive = true;
  paused = false;
  /** Version of the program that the process runs in this life. */
  version: LifeVersion = "same";
  /** While somebody is hostile: what the process does takes time. */
  loop: BusyLoop | undefined;
  /** Of somebody hostile: what is done at the receiver of each of its messages, beside what it hears. */
  burden: Burden | undefined;
  readonly #onDeath: (() => void)[] = [];
  readonly #threads: SimulatedProcess[] = [];
  /** The process that this is a thread of. */
  #whole: SimulatedProcess | undefined;

  /** @param life two lives under one name draw their ids from streams of their own */
  constructor(kernel: Kernel, name: string, machine: Machine, life: number | string = 0) {
    this.kernel = kernel;
    this.name = name;
    this.machine = machine;
    this.clock = {
      nowMs: () => Math.floor(epochMs + kernel.nowMs + machine.wallShiftMs),
      monotonicMs: () => kernel.nowMs + machine.monotonicShiftMs,
      after: (ms, run) => {
        const step = kernel.after(this, ms, "", run);
        return {
          cancel: () => {
            step.run = undefined;
          },
        };
      },
    };
    const random = kernel.random.fork(`ids of ${name} ${life}`);
    const entropy = (count: number) => Uint8Array.from({ length: count }, () => random.whole(0, 255));
    this.ids = createIds({ deployment: simulatedDeployment, clock: this.clock, entropy });
    const note = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
      if (this.alive && kernel.trace.isRead)
        kernel.trace.note(kernel.nowMs, name, `${level}: ${message}${told(fields)}`);
    };
    this.log = { debug: () => undefined, info: note("info"), warn: note("warn"), error: note("error") };
    this.tally = new Tally(this.log);
  }

  /** A thread with an event loop of its own: it lives, stands still and dies with the whole process. */
  thread(name: string): SimulatedProcess {
    const thread = new SimulatedProcess(this.kernel, this.name, this.machine, `${this.ids.next()} ${name}`);
    thread.version = this.version;
    thread.#whole = this;
    thread.alive = this.alive;
    thread.paused = this.paused;
    this.#threads.push(thread);
    return thread;
  }

  /** All event loops of the process, its own first. */
  get threads(): readonly SimulatedProcess[] {
    return [this, ...this.#threads];
  }

  /** SIGKILL: no further step of the process happens, whatever work it had begun. */
  kill(): void {
    if (this.#whole === undefined) this.#die();
    else this.#whole.kill();
  }

  #die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.backlog.length = 0;
    for (const thread of this.#threads) thread.#die();
    for (const tell of this.#onDeath) tell();
  }

  onDeath(tell: () => void): void {
    this.#onDeath.push(tell);
  }

  /** SIGSTOP. */
  pause(): void {
    this.paused = true;
    for (const thread of this.#threads) thread.pause();
  }

  /** SIGCONT: all steps that became due during the pause are due at once. */
  resume(): void {
    this.paused = false;
    this.kernel.release(this.backlog.splice(0));
    for (const thread of this.#threads) thread.resume();
  }
}

function told(fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(
    ([key, value]) => `${key}=${value instanceof Error ? value.message : String(value)}`,
  );
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** Does the work in the thread, and goes on in the process when it is done. */
export function across<T>(kernel: Kernel, process: Owner, thread: Owner, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    kernel.soon(thread, "", () => {
      void work().then((value) => kernel.soon(process, "", () => resolve(value)));
    });
  });
}
