/**
 * What the switch says of itself in files: what is applied, at once, and the counters, now and then. One
 * write of a file at a time; what has changed meanwhile is written afterwards. A disk that is full must not
 * keep the switch from its work: what could not be written is tried again.
 */
import { switchLimits } from "./limits.ts";

export class Report {
  readonly #write: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #isWriting = false;
  #isDue = false;
  #hasFailed = false;

  /** `failed` is told once, until a write has succeeded. */
  constructor(write: () => Promise<void>, failed: (error: unknown) => void) {
    this.#write = write;
    this.#failed = failed;
  }

  /** What is reported has changed. */
  due(): void {
    this.#isDue = true;
    if (!this.#isWriting) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#isDue) {
      this.#isDue = false;
      try {
        await this.#write();
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) this.#failed(error);
        this.#hasFailed = true;
        setTimeout(() => this.due(), switchLimits.countersPeriodMs).unref();
      }
    }
    this.#isWriting = false;
  }
}
