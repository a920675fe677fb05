/**
 * How often a person has pressed Ctrl-C. One press arrives twice where npm is in front: the terminal sends
 * SIGINT to every process of its group, and npm passes on its own. Pure.
 */
import { upLimits } from "./limits.ts";

export type Press = "first" | "again" | "echo";

export class Presses {
  readonly #echoes: boolean;
  #firstAtMs: number | undefined;
  #echoed = false;

  /** `echoes`: each press may arrive twice. */
  constructor(echoes: boolean) {
    this.#echoes = echoes;
  }

  /** Counts a signal: the first press, another press, or the copy of a press that npm has passed on. */
  hear(nowMs: number): Press {
    if (this.#firstAtMs === undefined) {
      this.#firstAtMs = nowMs;
      return "first";
    }
    const soon = nowMs - this.#firstAtMs < upLimits.upEchoMsMax;
    if (!this.#echoes || this.#echoed || !soon) return "again";
    this.#echoed = true;
    return "echo";
  }
}
