/**
 * The event loop of a process while somebody is hostile: every step takes time, and what comes meanwhile
 * waits in line, timers and answers included. At all other times steps take no time at all.
 */
import { type Kernel, nobody, type Step } from "./kernel.ts";

/** What one step takes: a turn of an actor, a timer, an answer that is read. */
const stepMs = 0.03;

export class BusyLoop {
  readonly #kernel: Kernel;
  readonly #line: Step[] = [];
  #first = 0;
  #untilMs = 0;
  #waking = false;
  /** How many are hostile at the moment. */
  #hostile = 0;
  #released: Step | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Steps that wait for the loop. */
  get length(): number {
    return this.#line.length - this.#first;
  }

  /** From now on steps take time, until everybody who began has ended. */
  begin(): void {
    this.#hostile += 1;
  }

  end(): void {
    this.#hostile -= 1;
  }

  /** The loop is busy for so much longer; below 0: for so much less than was thought. */
  add(ms: number): void {
    this.#untilMs = Math.max(this.#kernel.nowMs, this.#untilMs + ms);
  }

  /** True: the step waits, and comes again when it is its turn. False: it is performed now. */
  holdsBack(step: Step): boolean {
    const isItsTurn = step === this.#released;
    if (isItsTurn) this.#released = undefined;
    else if (this.length > 0 || this.#untilMs > this.#kernel.nowMs) {
      this.#line.push(step);
      this.#wakeLater();
      return true;
    }
    if (this.#hostile > 0) {
      this.#untilMs = Math.max(this.#untilMs, this.#kernel.nowMs);
      this.add(stepMs);
    }
    return false;
  }

  #wakeLater(): void {
    if (this.#waking) return;
    this.#waking = true;
    this.#kernel.after(nobody, this.#untilMs - this.#kernel.nowMs, "", () => this.#wake());
  }

  /** The first one in the line that is still wanted, if the loop has time for it. */
  #wake(): void {
    this.#waking = false;
    if (this.#untilMs <= this.#kernel.nowMs) {
      const step = this.#next();
      if (step === undefined) return;
      this.#released = step;
      this.#kernel.release([step]);
    }
    if (this.length > 0) this.#wakeLater();
  }

  #next(): Step | undefined {
    while (this.length > 0) {
      const step = this.#line[this.#first];
      this.#first += 1;
      if (step?.run !== undefined) return step;
    }
    this.#line.length = 0;
    this.#first = 0;
    return undefined;
  }
}
