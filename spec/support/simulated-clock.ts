/**
 * Simulated time: it stands still until a test advances it, and then fires due timers in order of time, and
 * of registration where the time is the same. Between two timers everything that the first one set off runs
 * to its end, so that a run depends on nothing outside. It must never read a real clock.
 */
import { setImmediate as nextRound } from "node:timers/promises";
import type { Clock, Timer } from "../../protocol/wire/transport.ts";
import { popDue, pushDue } from "./due-heap.ts";

/** Rounds of the event loop without a change after which busy work counts as waiting for time. */
const quietRoundsMax = 20;

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export interface SimulatedClockOptions {
  /** The wall clock's first value. */
  readonly wallMs?: number;
  /** The monotonic clock's first value. */
  readonly monotonicMs?: number;
}

export class SimulatedClock implements Clock {
  #monotonicMs: number;
  #wallOffsetMs: number;
  #registered = 0;
  #alarms: Alarm[] = [];
  readonly #busy: (() => number)[] = [];

  constructor({ wallMs = Date.UTC(2030, 0, 1), monotonicMs = 0 }: SimulatedClockOptions = {}) {
    this.#monotonicMs = monotonicMs;
    this.#wallOffsetMs = wallMs - monotonicMs;
  }

  nowMs(): number {
    return this.#monotonicMs + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Sets the wall clock, as an operator might; no decision may depend on it. */
  shiftWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  after(ms: number, run: () => void): Timer {
    this.#registered += 1;
    const alarm: Alarm = { atMs: this.#monotonicMs + Math.max(0, ms), order: this.#registered, run };
    pushDue(this.#alarms, alarm);
    return {
      cancel: () => {
        alarm.run = undefined;
      },
    };
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#alarms.filter((alarm) => alarm.run !== undefined).length;
  }

  /**
   * Registers work that `settle` is to wait for, such as an actor system: `clock.watch(() => system.busy)`.
   */
  watch(busy: () => number): void {
    this.#busy.push(busy);
  }

  /** Runs all work that is due without advancing time. */
  async settle(): Promise<void> {
    let quiet = 0;
    let before = -1;
    while (quiet < (before > 0 ? quietRoundsMax : 2)) {
      await nextRound();
      const busy = this.#busy.reduce((sum, count) => sum + count(), 0);
      quiet = busy === before ? quiet + 1 : 0;
      before = busy;
    }
  }

  /** Advances by `ms`, firing due timers on the way. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await this.settle();
    while (await this.#fireNext(untilMs)) await this.settle();
    this.#monotonicMs = untilMs;
  }

  /**
   * Goes on from timer to timer until the condition holds; answers how many ms that took.
   * @throws Error when it does not hold after `limitMs`, or when there is no timer left to wait for
   */
  async runUntil(condition: () => boolean, limitMs = 3_600_000): Promise<number> {
    const beganMs = this.#monotonicMs;
    await this.settle();
    while (!condition()) {
      if (!(await this.#fireNext(beganMs + limitMs))) {
        const why = this.pending === 0 ? "there is no timer left to wait for" : `it took over ${limitMs} ms`;
        throw new Error(`The condition did not come to hold: ${why}.`);
      }
      await this.settle();
    }
    return this.#monotonicMs - beganMs;
  }

  async #fireNext(untilMs: number): Promise<boolean> {
    for (let alarm = this.#alarms[0]; alarm !== undefined && alarm.atMs <= untilMs; alarm = this.#alarms[0]) {
      popDue(this.#alarms);
      if (alarm.run === undefined) continue;
      this.#monotonicMs = Math.max(this.#monotonicMs, alarm.atMs);
      const { run } = alarm;
      alarm.run = undefined;
      run();
      return true;
    }
    return false;
  }
}
