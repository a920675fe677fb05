/**
 * The engine of the simulator: one queue of steps on one clock. A step is what one process does about one
 * thing (a timer, a message, an answer, a turn of an actor); it runs to its end, with everything that its
 * promises set off, before the next one begins. So a run depends on nothing but its seed.
 *
 * While it runs, the global `setImmediate` is its own: nact takes its turns by it, and they become steps like
 * all others. It must never read a real clock, nor wait for anything of the real world.
 */
import { popDue, pushDue } from "../support/due-heap.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** Whoever steps belong to: dead, its steps are dropped; paused, they wait. */
export interface Owner {
  readonly name: string;
  readonly alive: boolean;
  readonly paused: boolean;
  readonly backlog: Step[];
  /** Where steps wait for their turn while each takes time; absent: steps take none. */
  readonly loop?: { holdsBack(step: Step): boolean } | undefined;
}

export interface Step {
  readonly atMs: number;
  readonly order: number;
  readonly owner: Owner;
  /** What it is about, for the trace; made only when it is wanted. */
  readonly label: string;
  /** The cause: the step during which this step was scheduled. */
  readonly cause: Step | undefined;
  run: (() => void) | undefined;
}

/** Turns between two looks at the real event loop, so that Ctrl-C is heard. */
const stepsPerBreath = 2_000;
/** Steps that a chain of causes goes back. */
const causesMax = 12;

export class Kernel {
  readonly trace: Trace;
  /** The stream of all draws that no plan fixes, such as ids. */
  readonly random: Random;
  nowMs = 0;
  steps = 0;
  /** Set by whoever judges: the run ends after the present step. */
  halted = false;
  #order = 0;
  readonly #later: Step[] = [];
  #soon: Step[] = [];
  #soonAt = 0;
  #current: Step | undefined;

  constructor(trace: Trace, random: Random) {
    this.trace = trace;
    this.random = random;
  }

  /** Steps that are to come, without those that were cancelled or whose process has ended. */
  get waiting(): number {
    return this.#later.filter(({ run, owner }) => run !== undefined && owner.alive).length;
  }

  get current(): Step | undefined {
    return this.#current;
  }

  /** A step at a time to come; `cancel` by clearing `run`. */
  after(owner: Owner, ms: number, label: string, run: () => void): Step {
    const atMs = this.nowMs + Math.max(0, ms);
    const step = this.#make(owner, atMs, label, run);
    pushDue(this.#later, step);
    return step;
  }

  /** A step at this very time, behind those that wait already. */
  soon(owner: Owner, label: string, run: () => void): Step {
    const step = this.#make(owner, this.nowMs, label, run);
    this.#soon.push(step);
    return step;
  }

  sleep(owner: Owner, ms: number, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.after(owner, ms, label, resolve);
    });
  }

  /** What waited: while its owner was paused, or for the time of its owner's event loop. */
  release(steps: readonly Step[]): void {
    this.#soon.push(...steps);
  }

  #make(owner: Owner, atMs: number, label: string, run: () => void): Step {
    this.#order += 1;
    const cause = this.trace.keepsCauses ? this.#current : undefined;
    return { atMs, order: this.#order, owner, label, cause, run };
  }

  /** Steps until the time, or until the condition holds; true when it came to hold. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    const real = { set: globalThis.setImmediate, clear: globalThis.clearImmediate };
    this.#takeImmediates();
    try {
      while (!this.halted && !done()) {
        const step = this.#take(untilMs);
        if (step === undefined) return false;
        this.#perform(step);
        await allPromises();
        if (this.steps % stepsPerBreath === 0) await new Promise<void>((resolve) => real.set(resolve));
      }
      return true;
    } finally {
      globalThis.setImmediate = real.set;
      globalThis.clearImmediate = real.clear;
      if (!this.halted) this.nowMs = Math.max(this.nowMs, 0);
    }
  }

  #perform(step: Step): void {
    const { owner, run } = step;
    if (run === undefined || !owner.alive) return;
    if (owner.paused) {
      owner.backlog.push(step);
      return;
    }
    if (owner.loop?.holdsBack(step) === true) return;
    this.steps += 1;
    this.#current = step;
    step.run = undefined;
    this.trace.step(this.nowMs, owner.name);
    if (step.label !== "") this.trace.note(this.nowMs, owner.name, step.label);
    run();
  }

  #take(untilMs: number): Step | undefined {
    const soon = this.#soon[this.#soonAt];
    if (soon !== undefined) {
      this.#soonAt += 1;
      if (this.#soonAt === this.#soon.length) {
        this.#soon = [];
        this.#soonAt = 0;
      }
      return soon;
    }
    const next = this.#later[0];
    if (next === undefined || next.atMs > untilMs) {
      this.nowMs = Math.max(this.nowMs, untilMs);
      return undefined;
    }
    popDue(this.#later);
    this.nowMs = Math.max(this.nowMs, next.atMs);
    return next;
  }

  /** nact's turns are steps of the process whose step asked for them. */
  #takeImmediates(): void {
    const immediate = (run: (...given: unknown[]) => void, ...given: unknown[]): Step => {
      const owner = this.#current?.owner ?? nobody;
      return this.soon(owner, "", () => run(...given));
    };
    globalThis.setImmediate = immediate as never;
    globalThis.clearImmediate = ((step: Step | undefined) => {
      if (step !== undefined) step.run = undefined;
    }) as never;
  }

  /** The steps that led to the present one, the first one first. */
  causes(): readonly Step[] {
    const chain: Step[] = [];
    for (let step = this.#current; step !== undefined && chain.length < causesMax * 8; step = step.cause)
      if (step.label !== "") chain.unshift(step);
    return chain.slice(-causesMax);
  }
}

/** What belongs to no process that could die. */
export const nobody: Owner = { name: "world", alive: true, paused: false, backlog: [] };

/** Resolves when every promise that can has settled: ticks come after all microtasks. */
function allPromises(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}
