/**
 * Work that fills a file system, looked after while it runs: what was free at its beginning may be taken by
 * somebody else, or the work may need more than was thought. A look that throws calls the work off. Nothing
 * here may leave a timer behind, or wait for a look when the work has ended.
 */
import type { Clock, Timer } from "../../protocol/wire/transport.ts";
import { actorLimits } from "./limits.ts";

export interface Filling {
  readonly clock: Pick<Clock, "after">;
  readonly signal: AbortSignal;
  /** Bytes that may still be filled. @throws whatever is to end the work */
  readonly left: () => Promise<number>;
}

/** @throws what a look has thrown that called the work off; what the work throws; the reason of the signal */
export async function filling<T>(
  { clock, signal, left }: Filling,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const calledOff = new AbortController();
  let timer: Timer | undefined;
  let isOver = false;
  const lookIn = (ms: number): void => {
    timer = clock.after(ms, () => {
      left().then(
        (bytes) => {
          if (!isOver) lookIn(lookAgainMs(bytes));
        },
        (error: unknown) => calledOff.abort(error),
      );
    });
  };
  lookIn(actorLimits.fillingLookMsMin);
  try {
    return await work(AbortSignal.any([signal, calledOff.signal]));
  } catch (error) {
    throw calledOff.signal.aborted && !signal.aborted ? calledOff.signal.reason : error;
  } finally {
    isOver = true;
    timer?.cancel();
  }
}

/** Sooner where little is left: a fast disk takes more in a second than is kept free. Pure. */
export function lookAgainMs(leftBytes: number): number {
  const { fillingLookMsMin, fillingLookMsMax, fillingBytesPerMs } = actorLimits;
  return Math.max(fillingLookMsMin, Math.min(fillingLookMsMax, Math.floor(leftBytes / fillingBytesPerMs)));
}
