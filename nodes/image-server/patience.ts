/**
 * How long a client is waited for, by value: it may be silent for a while, and has to be as fast in the long
 * run as was agreed. Bytes earn time, up to the time that a silence may last: whoever was fast for an hour
 * must not be waited for longer than anybody else.
 */
import type { ServerResponse } from "node:http";
import { imageServerLimits } from "./limits.ts";

export interface Pace {
  readonly quietMsMax: number;
  readonly bytesPerMsMin: number;
}

/** Of whoever says no other. */
export const usualPace: Pace = {
  quietMsMax: imageServerLimits.quietMsMax,
  bytesPerMsMin: imageServerLimits.bytesPerMsMin,
};

/** The time that is left after a wait of `waitedMs` that brought `bytes`; 0: the client is too slow. */
export function patienceLeft(
  leftMs: number,
  { waitedMs, bytes }: { readonly waitedMs: number; readonly bytes: number },
  { quietMsMax, bytesPerMsMin }: Pace,
): number {
  const rest = leftMs - waitedMs;
  return rest <= 0 ? 0 : Math.min(quietMsMax, rest + bytes / bytesPerMsMin);
}

/** Whoever reads the end of an answer has the time that its bytes take, and a silence; then it is cut off. */
export async function readToEnd(
  response: Pick<ServerResponse, "writableFinished" | "writableLength" | "destroyed" | "destroy" | "once">,
  { quietMsMax, bytesPerMsMin }: Pace,
): Promise<void> {
  if (response.writableFinished || response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("finish", resolve);
  response.once("close", resolve);
  const timer = setTimeout(() => response.destroy(), quietMsMax + response.writableLength / bytesPerMsMin);
  await promise;
  clearTimeout(timer);
}

/** Waits for a client as long as the pace allows, and no longer. */
export class Patience {
  readonly #pace: Pace;
  #leftMs: number;

  constructor(pace: Pace) {
    this.#pace = pace;
    this.#leftMs = pace.quietMsMax;
  }

  /** `bytes`: what the wait brought. Answers undefined when the client is too slow. */
  async wait<Answer>(
    awaited: Promise<Answer>,
    bytes: (answer: Answer) => number,
  ): Promise<{ readonly answer: Answer } | undefined> {
    const since = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      // A turn later: what has come while this process was busy is not the client's delay.
      timer = setTimeout(() => setImmediate(() => resolve(undefined)), this.#leftMs);
    });
    try {
      const come = await Promise.race([awaited.then((answer) => ({ answer })), late]);
      if (come === undefined) return undefined;
      const waitedMs = performance.now() - since;
      this.#leftMs = patienceLeft(this.#leftMs, { waitedMs, bytes: bytes(come.answer) }, this.#pace);
      return this.#leftMs === 0 ? undefined : come;
    } finally {
      clearTimeout(timer);
    }
  }
}
