/**
 * Whether and when a failed attempt is repeated follows from its code alone (status.ts), never from who
 * asks: UNAVAILABLE was not executed and is always repeated; RESOURCE_EXHAUSTED when the answer says when
 * to come again; DEADLINE_EXCEEDED may have been executed and is repeated with the same request id, which
 * makes that harmless. One thing is beside the codes: a server that is older than its client, in the
 * middle of an upgrade, refuses what it does not know yet, and the next one may know it.
 *
 * Everything ends at the call's deadline: there is no count of attempts but of those at older servers, and
 * the last real error is what is thrown.
 */

import { limits } from "../limits/limits.ts";
import type { ClientCall, Interceptor } from "./client.ts";
import { codes, StatusError } from "./status.ts";
import type { Clock } from "./transport.ts";
import { validatorOf } from "./validate.ts";

export interface RetryOptions {
  readonly clock: Clock;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  /** One attempt of a call that does not ask to be kept waiting. */
  readonly attemptTimeoutMs?: number;
}

/** Repeats until the call's deadline what may be repeated. */
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
 * Who waits at one server for long learns nothing of its death: waits are asked for in pieces. A long poll
 * says itself how long it may take.
 */
function attemptDeadlineMs(call: ClientCall, { clock, attemptTimeoutMs }: RetryOptions): number {
  if (call.method.long === true) return call.deadlineMs;
  const { waitMs } = call.request;
  const longerMs = typeof waitMs === "number" ? waitMs : 0;
  const attemptMs = longerMs + (attemptTimeoutMs ?? limits.attemptTimeoutMs);
  return Math.min(call.deadlineMs, clock.monotonicMs() + attemptMs);
}

/**
 * A piece of a wait is over and the operation still runs: the same request id asks on, and executes nothing
 * again. Not in the last moment, in which a server does not wait any more: it would be asked without a pause.
 */
function hasToWaitOn(call: ClientCall, answer: unknown, clock: Clock): boolean {
  const leftMs = call.deadlineMs - clock.monotonicMs();
  if (call.request.wait !== true || leftMs <= limits.waitMarginMs) return false;
  const all = (answer as { all?: unknown }).all;
  return (Array.isArray(all) ? all : [answer]).some(isUnderWay);
}

function isUnderWay(answer: { readonly operation?: { readonly state?: unknown } }): boolean {
  return answer.operation?.state === "running";
}

/**
 * Undefined: it was not that. What this client knows and its server does not, the server is too old for;
 * nothing was done. When every server is, that is soon said.
 */
function olderServerPauseMs(
  thrown: unknown,
  attempt: number,
  { method, request }: ClientCall,
  options: RetryOptions,
): number | undefined {
  if (!(thrown instanceof StatusError) || attempt >= limits.olderServerRetriesMax) return undefined;
  const { reason } = thrown;
  const isOlder =
    reason === "unknownMethod" || (reason === "unknownField" && validatorOf(method.request).accepts(request));
  return isOlder ? backOffMs(attempt, options) : undefined;
}

/** How long to wait before the next attempt; undefined: there shall be none. */
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
  const ceilingMs = Math.min(limits.retryBackoffMsMax, limits.retryBackoffMsMin * 2 ** Math.min(attempt, 16));
  return ceilingMs * (0.5 + random() / 2);
}

/** Rejects with the signal's reason when it is aborted meanwhile. */
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
