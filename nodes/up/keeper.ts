/**
 * Keeps one process running: when the process ends unasked, it is started again, each time after a longer
 * pause, for ever. Every end and start is shown on the screen. The keeper does not know what kind of process
 * it is.
 */

import type { Timer } from "../../protocol/wire/transport.ts";
import { upLimits } from "./limits.ts";
import type { ServerEnd } from "./server-process.ts";

export interface Kept {
  readonly pid: number;
  readonly ended: Promise<ServerEnd>;
}

export interface KeeperOptions<K extends Kept> {
  readonly name: string;
  readonly start: () => Promise<K>;
  /** Receives a line for people at every end and every new start, the first start excepted. */
  readonly say: (text: string) => void;
  readonly clock: { monotonicMs(): number; after(ms: number, run: () => void): Timer };
  /** Given: a first start that fails is told to it, and is repeated like any other. */
  readonly firstFailed?: (error: Error) => void;
}

export interface Keeper<K extends Kept> {
  readonly name: string;
  /** The process; undefined while it is down. */
  current(): K | undefined;
  /**
   * Stops keeping the process, and ends it by `end` if it runs; a start that is under way is waited for.
   * Idempotent.
   */
  stop(end: (kept: K) => Promise<void>): Promise<void>;
}

/**
 * Starts the process for the first time. @throws the error of `start`: a first start that fails is not
 * repeated, unless `firstFailed` is given
 */
export async function keep<K extends Kept>(options: KeeperOptions<K>): Promise<Keeper<K>> {
  const again = repeating(options);
  let current: K | undefined = await first(options);
  const stopping = new AbortController();
  const watch = async (): Promise<void> => {
    let backoffMs: number = upLimits.keeperBackoffMsMin;
    while (!stopping.signal.aborted) {
      const startedAtMs = options.clock.monotonicMs();
      if (current !== undefined) {
        const end = await current.ended;
        current = undefined;
        if (stopping.signal.aborted) return;
        const livedMs = options.clock.monotonicMs() - startedAtMs;
        if (livedMs > upLimits.keeperBackoffMsMax) backoffMs = upLimits.keeperBackoffMsMin;
        options.say(`${options.name} ${described(end)}; starting it again`);
      }
      await pause(options.clock, backoffMs, stopping.signal);
      backoffMs = Math.min(backoffMs * 2, upLimits.keeperBackoffMsMax);
      if (!stopping.signal.aborted) current = await again();
    }
  };
  const watching = watch();
  return {
    name: options.name,
    current: () => current,
    stop: async (end) => {
      stopping.abort();
      if (current !== undefined) await end(current);
      await watching;
      // The process of a start that was under way when `stop` was called.
      if (current !== undefined) await end(current);
    },
  };
}

async function first<K extends Kept>({ start, firstFailed }: KeeperOptions<K>): Promise<K | undefined> {
  try {
    return await start();
  } catch (error) {
    if (firstFailed === undefined) throw error;
    firstFailed(error as Error);
    return undefined;
  }
}

/** Starts the process again. The same failure is told once, however often it comes in a row. */
function repeating<K extends Kept>({ name, start, say }: KeeperOptions<K>): () => Promise<K | undefined> {
  let told: string | undefined;
  return async () => {
    try {
      const kept = await start();
      say(`${name} is back (pid ${kept.pid})`);
      told = undefined;
      return kept;
    } catch (error) {
      const { message } = error as Error;
      if (message !== told) say(`${name} did not come back: ${message}`);
      told = message;
      return undefined;
    }
  };
}

const described = ({ code, signal }: ServerEnd): string =>
  signal === null ? `ended with code ${code}` : `was ended by ${signal}`;

function pause(clock: KeeperOptions<Kept>["clock"], ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    signal.addEventListener("abort", () => {
      timer.cancel();
      resolve();
    });
  });
}
