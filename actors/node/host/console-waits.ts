/**
 * Waiting for the output of guests' consoles. The logs are looked at in rounds, each log once for all who
 * wait at the same position; a waiter costs memory and a timer. Each guest has its own number of waiters, so
 * that who waits for one guest's console, which is of one project, keeps nobody from another's.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { ConsolePage, Consoles } from "../../ports/consoles.ts";
import { hostLimits } from "./limits.ts";

type From = Parameters<Consoles["read"]>[1];
type Found = ConsolePage | undefined;

export interface ConsoleWait {
  readonly instanceId: string;
  readonly from: From;
  /** On the monotonic clock. */
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly from: From;
  settle(outcome: Found | Promise<never>): void;
}

export class ConsoleWaits {
  readonly #consoles: Consoles;
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #waiting = 0;
  #rounds = false;

  constructor(consoles: Consoles, clock: Clock) {
    this.#consoles = consoles;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * The page once it has something; at the deadline, or when the caller has gone, `page` as it was first.
   * @throws RESOURCE_EXHAUSTED tooManyWaits
   */
  async more({ instanceId, from, untilMs, signal }: ConsoleWait, page: Found): Promise<Found> {
    const own = this.#waiters.get(instanceId)?.size ?? 0;
    const isFull = this.#waiting >= hostLimits.consoleWaitersMax;
    if (isFull || own >= hostLimits.consoleWaitersPerGuestMax) throw tooMany(instanceId);
    return new Promise((resolve) => {
      const settle = (outcome: Found | Promise<never>) => {
        timer.cancel();
        signal.removeEventListener("abort", expire);
        this.#leave(instanceId, waiter);
        resolve(outcome);
      };
      const expire = () => settle(page);
      const timer = this.#clock.after(untilMs - this.#clock.monotonicMs(), expire);
      signal.addEventListener("abort", expire, { once: true });
      const waiter: Waiter = { from, settle };
      this.#enter(instanceId, waiter);
    });
  }

  #enter(instanceId: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(instanceId) ?? new Set();
    this.#waiters.set(instanceId, waiters.add(waiter));
    this.#waiting += 1;
    if (!this.#rounds) this.#soon();
  }

  #leave(instanceId: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(instanceId);
    if (waiters?.delete(waiter) !== true) return;
    this.#waiting -= 1;
    if (waiters.size === 0) this.#waiters.delete(instanceId);
  }

  #soon(): void {
    this.#rounds = this.#waiting > 0;
    if (this.#rounds) this.#clock.after(hostLimits.consolePollMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    for (const [instanceId, waiters] of [...this.#waiters]) await this.#look(instanceId, [...waiters]);
    this.#soon();
  }

  /** A log that cannot be read is an answer, too. */
  async #look(instanceId: string, waiters: readonly Waiter[]): Promise<void> {
    const pages = new Map<string, Promise<Found>>();
    for (const { from, settle } of waiters) {
      const key = `${from.offset} ${from.tailLines}`;
      const looked = pages.get(key) ?? this.#consoles.read(instanceId, from);
      pages.set(key, looked);
      try {
        const page = await looked;
        if (!isWorthWaiting(page)) settle(page);
      } catch (error) {
        settle(Promise.reject(error));
      }
    }
  }
}

/** True when there is nothing to read yet. */
export function isWorthWaiting(page: Found): boolean {
  return page === undefined || page.nextOffset === page.offset;
}

function tooMany(instanceId: string): StatusError {
  return new StatusError("tooManyWaits", `Too many callers wait for the console of instance ${instanceId}.`, {
    retryAfterMs: hostLimits.consoleRetryAfterMs,
  });
}
