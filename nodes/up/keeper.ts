/**
 * Keeps one process running: when it ends unasked, it is started again, each time after a longer pause, for
 * ever. What it did is said on the screen. It knows nothing of what the process is.
 */

import { limits } from "../../protocol/limits/limits.ts";
import type { Timer } from "../../protocol/wire/transport.ts";
import type { ServerEnd } from "./server-process.ts";

export interface Kept {
  readonly pid: number;
  readonly ended: Promise<ServerEnd>;
}

export interface KeeperOptions<K extends Kept> {
  readonly name: string;
  readonly start: () => Promise<K>;
  /** For people; called for every end and every new start, not for the first one. */
  readonly say: (text: string) => void;
  readonly clock: { monotonicMs(): number; after(ms: number, run: () => void): Timer };
}

export interface Keeper<K extends Kept> {
  readonly name: string;
  /** The process, unless it is down at the moment. */
  current(): K | undefined;
  /**
   * Starts it no more and ends it by `end`, if it runs; a start that is under way is waited for. Idempotent.
   */
  stop(end: (kept: K) => Promise<void>): Promise<void>;
}

/** Starts it for the first time. @throws what `start` throws: a first start that fails is not repeated */
export async function keep<K extends Kept>(options: KeeperOptions<K>): Promise<Keeper<K>> {
  let current: K | undefined = await options.start();
  const stopping = new AbortController();
  const watch = async (): Promise<void> => {
    let backoffMs: number = limits.keeperBackoffMsMin;
    while (!stopping.signal.aborted) {
      const startedAtMs = options.clock.monotonicMs();
      if (current !== undefined) {
        const end = await current.ended;
        current = undefined;
        if (stopping.signal.aborted) return;
        const livedMs = options.clock.monotonicMs() - startedAtMs;
        if (livedMs > limits.keeperBackoffMsMax) backoffMs = limits.keeperBackoffMsMin;
        options.say(`${options.name} ${described(end)}; starting it again`);
      }
      await pause(options.clock, backoffMs, stopping.signal);
      backoffMs = Math.min(backoffMs * 2, limits.keeperBackoffMsMax);
      if (!stopping.signal.aborted) current = await again(options);
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
      // A start that was under way when we were told to stop.
      if (current !== undefined) await end(current);
    },
  };
}

async function again<K extends Kept>({ name, start, say }: KeeperOptions<K>): Promise<K | undefined> {
  try {
    const kept = await start();
    say(`${name} is back (pid ${kept.pid})`);
    return kept;
  } catch (error) {
    say(`${name} did not come back: ${(error as Error).message}`);
    return undefined;
  }
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
