/**
 * The end of a request that takes too long: at its deadline, or when its server ends. The caller is answered
 * then, whatever the handler does.
 */
import { deadlinePast } from "./admission.ts";
import type { CallContext } from "./service.ts";
import type { Shares } from "./shares.ts";
import { StatusError } from "./status.ts";
import type { Clock, Log } from "./transport.ts";

type Fail = (error: StatusError) => void;

/** Ends the requests that would outlast their server. */
export class Ending {
  readonly #shares: Shares;
  readonly #failing = new Set<Fail>();

  constructor(shares: Shares) {
    this.#shares = shares;
  }

  /** Registers what to call when waiting must stop; returns the function that removes it. */
  onCutShort(fail: Fail): () => void {
    this.#failing.add(fail);
    return () => this.#failing.delete(fail);
  }

  cutShort(): void {
    const error = () => new StatusError("shuttingDown", "The server ends before the answer.");
    this.#shares.failQueued(error());
    for (const fail of this.#failing) fail(error());
  }
}

export interface Call {
  /** The method's name, for people. */
  readonly name: string;
  readonly handle: (context: CallContext) => Promise<unknown>;
  readonly context: Omit<CallContext, "signal">;
}

interface World {
  readonly clock: Clock;
  readonly log: Log;
  readonly ending: Ending;
}

/**
 * The handler's answer, or DEADLINE_EXCEEDED timeout. The handler's signal is aborted when nobody waits for
 * the answer any more.
 * @throws DEADLINE_EXCEEDED deadlinePast when the deadline passed before the request's turn came
 */
export function callUntilDeadline(
  { clock, log, ending }: World,
  { name, handle, context }: Call,
): Promise<unknown> {
  const leftMs = context.deadlineMs - clock.monotonicMs();
  if (leftMs <= 0) throw deadlinePast();
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const fail = (error: StatusError) => {
      reject(error);
      abort.abort(error);
    };
    const timer = clock.after(leftMs, () =>
      fail(new StatusError("timeout", `${name} was not done within ${Math.round(leftMs)} ms.`)),
    );
    const forget = ending.onCutShort(fail);
    handle({ ...context, signal: abort.signal })
      .then(resolve, (thrown: unknown) => {
        if (abort.signal.aborted)
          log.warn({ requestId: context.requestId, error: thrown }, "a request failed after its deadline");
        reject(thrown);
      })
      .finally(() => {
        timer.cancel();
        forget();
      });
  });
}
