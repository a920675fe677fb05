/**
 * Repeats failed attempts. Whether and when an attempt is repeated follows from its code alone (status.ts),
 * never from the caller. UNAVAILABLE was not executed and is always repeated. RESOURCE_EXHAUSTED is repeated
 * when the answer says when to try again. DEADLINE_EXCEEDED may have been executed and is repeated with the
 * same request id, which makes the repetition harmless. One case is beside the codes: during an upgrade, a
 * server that is older than its client refuses what it does not know yet, and the next server may know it.
 *
 * Retrying ends at the call's deadline; only the attempts at older servers are counted. Then the last real
 * error is thrown.
 */

import { wireLimits } from "../limits/wire.ts";
import type { ClientCall, Interceptor } from "./client.ts";
import { codes } from "./reasons.ts";
import { StatusError } from "./status.ts";
import type { Clock } from "./transport.ts";
import { validatorOf } from "./validate.ts";

export interface RetryOptions {
  readonly clock: Clock;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  /** Time for one attempt of a call that does not ask to be kept waiting. */
  readonly attemptTimeoutMs?: number;
}

/** An interceptor that repeats, until the call's deadline, every attempt that may be repeated. */
export function retrying(options: RetryOptions): Interceptor {
  return (next) => async (call) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await next({ ...call, deadlineMs: attemptDeadlineMs(call, options) });
        if (!hasToWaitOn(call, answer, options.clock)) return answer;
      } catch (thrown) {
        const waitMs =
          olderServerPauseMs(thrown, attempt, call, options) ?? pauseMs(thrown, attempt, options);
        const left = call.deadlineMs - options.clock.monotonicMs();
        if (waitMs === undefined || waitMs >= left) throw thrown;
        await pause(options.clock, waitMs, call.signal);
      }
    }
  };
}

/**
 * The deadline of the next attempt. A wait is asked for in pieces, because a caller that waits at one server
 * for long does not learn of the server's death. A long poll names its own time.
 */
function attemptDeadlineMs(call: ClientCall, { clock, attemptTimeoutMs }: RetryOptions): number {
  if (call.method.long === true) return call.deadlineMs;
  const { waitMs } = call.request;
  const longerMs = typeof waitMs === "number" ? waitMs : 0;
  const attemptMs = longerMs + (attemptTimeoutMs ?? wireLimits.attemptTimeoutMs);
  return Math.min(call.deadlineMs, clock.monotonicMs() + attemptMs);
}

/**
 * True when a piece of a wait is over and the operation still runs: the same request id asks on, and executes
 * nothing again. False in the last moment before the deadline, in which a server does not wait any more and
 * would be asked without a pause.
 */
function hasToWaitOn(call: ClientCall, answer: unknown, clock: Clock): boolean {
  const leftMs = call.deadlineMs - clock.monotonicMs();
  if (call.request.wait !== true || leftMs <= wireLimits.waitMarginMs) return false;
  const all = (answer as { all?: unknown }).all;
  return (Array.isArray(all) ? all : [answer]).some(isUnderWay);
}

function isUnderWay(answer: { readonly operation?: { readonly state?: unknown } }): boolean {
  return answer.operation?.state === "running";
}

/**
 * The pause after a refusal by a server that is older than this client; undefined when the refusal has
 * another cause. The older server executed nothing, and after a few attempts all servers are taken for older.
 */
function olderServerPauseMs(
  thrown: unknown,
  attempt: number,
  { method, request }: ClientCall,
  options: RetryOptions,
): number | undefined {
  if (!(thrown instanceof StatusError) || attempt >= wireLimits.olderServerRetriesMax) return undefined;
  const { reason } = thrown;
  const isOlder =
    reason === "unknownMethod" || (reason === "unknownField" && validatorOf(method.request).accepts(request));
  return isOlder ? backOffMs(attempt, options) : undefined;
}

/** How long to wait before the next attempt, in ms; undefined: do not repeat. */
export function pauseMs(
  thrown: unknown,
  attempt: number,
  { random }: Pick<RetryOptions, "random">,
): number | undefined {
  if (!(thrown instanceof StatusError)) return undefined;
  const { retry } = codes[thrown.code];
  if (retry === "never" || retry === "afterRead") return undefined;
  if (retry === "backOff" && thrown.retryAfterMs === undefined) return undefined;
  return Math.round((thrown.retryAfterMs ?? 0) + backOffMs(attempt, { random }));
}

function backOffMs(attempt: number, { random }: Pick<RetryOptions, "random">): number {
  const ceilingMs = Math.min(
    wireLimits.retryBackoffMsMax,
    wireLimits.retryBackoffMsMin * 2 ** Math.min(attempt, 16),
  );
  return ceilingMs * (0.5 + random() / 2);
}

/** Resolves after the time. Rejects with the signal's reason when the signal is aborted meanwhile. */
function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
