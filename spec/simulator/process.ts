/**
 * A process of the simulated cluster: it can be killed, paused and gone on with, and everything it does is
 * gated by that. Its clock is its machine's: the wall clock may jump, and the monotonic one began anywhere.
 */
import type { Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import type { Kernel, Owner, Step } from "./kernel.ts";
import type { LifeVersion } from "./versions.ts";

/** The wall clock when a run begins. */
export const epochMs = Date.UTC(2030, 0, 1);

/** What processes of one machine share. */
export interface Machine {
  readonly name: string;
  /** The wall clock is wrong by so much. */
  wallShiftMs: number;
  /** Where its monotonic clock began: the same for all its processes, and another on every machine. */
  readonly monotonicShiftMs: number;
}

export class SimulatedProcess implements Owner {
  readonly name: string;
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly backlog: Step[] = [];
  alive = true;
  paused = false;
  /** Of the program that it plays in this life. */
  version: LifeVersion = "same";
  readonly #life: number;
  #ids = 0;
  readonly #onDeath: (() => void)[] = [];

  /** @param life ids of two lives under one name never meet */
  constructor(kernel: Kernel, name: string, machine: Machine, life = 0) {
    this.#life = life;
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
    this.ids = { next: () => this.#nextId() };
    const note = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
      if (this.alive && kernel.trace.isRead)
        kernel.trace.note(kernel.nowMs, name, `${level}: ${message}${told(fields)}`);
    };
    this.log = { debug: () => undefined, info: note("info"), warn: note("warn"), error: note("error") };
  }

  #nextId(): string {
    this.#ids += 1;
    const time = String(Math.floor(this.kernel.nowMs)).padStart(9, "0");
    return `${time}-${String(this.#ids).padStart(5, "0")}-${this.name}-${this.#life}`;
  }

  /** SIGKILL: nothing of it happens any more, whatever it had begun. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.backlog.length = 0;
    for (const tell of this.#onDeath) tell();
  }

  onDeath(tell: () => void): void {
    this.#onDeath.push(tell);
  }

  /** SIGSTOP. */
  pause(): void {
    this.paused = true;
  }

  /** SIGCONT: everything that came meanwhile is there at once. */
  resume(): void {
    this.paused = false;
    this.kernel.release(this.backlog.splice(0));
  }
}

function told(fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(
    ([key, value]) => `${key}=${value instanceof Error ? value.message : String(value)}`,
  );
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
