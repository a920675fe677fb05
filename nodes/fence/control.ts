/**
 * What the proof that a host is off needs of a controller of its power, whichever kind that is. A new kind
 * implements PowerControl, and gets a line in index.ts; when a host counts as off is decided in prove-off.ts
 * alone. Nothing here may take an order that was accepted for a proof.
 */

import type { PowerProof } from "../../actors/ports/power.ts";
import { limits } from "../../protocol/limits/limits.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { delay, throwIfAborted } from "../drivers/waiting.ts";

export interface PowerReading {
  readonly off: boolean;
  /** In the controller's own words. */
  readonly said: string;
}

/**
 * One controller, for one attempt to switch a host off. Every verb tries again what may pass by itself.
 * @throws StatusError powerControlMissing, powerControlRefused, powerControlUntrusted, powerControlFailed
 */
export interface PowerControl {
  readonly kind: PowerProof["kind"];
  /** Where it is, without user and password; complete once it was read. */
  readonly at: string;
  read(signal: AbortSignal): Promise<PowerReading>;
  /** Resolves when the order was accepted; the host is still on then. Called after a `read`. */
  switchOff(signal: AbortSignal): Promise<void>;
  /** Lets go of what was opened; waits no longer than timing.closeTimeoutMs, and never throws. */
  close(): Promise<void>;
}

export interface PowerTiming {
  readonly requestTimeoutMs: number;
  readonly attemptsMax: number;
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  readonly pollMs: number;
  readonly settleMs: number;
  readonly offTimeoutMs: number;
  readonly closeTimeoutMs: number;
}

export const powerTiming: PowerTiming = {
  requestTimeoutMs: limits.powerRequestTimeoutMs,
  attemptsMax: limits.powerAttemptsMax,
  retryMsMin: limits.powerRetryMsMin,
  retryMsMax: limits.powerRetryMsMax,
  pollMs: limits.powerPollMs,
  settleMs: limits.powerSettleMs,
  offTimeoutMs: limits.powerOffTimeoutMs,
  closeTimeoutMs: limits.powerCloseTimeoutMs,
};

/** What every kind of control is given. */
export interface ControlOptions {
  /** For messages. */
  readonly hostName: string;
  readonly password: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: PowerTiming;
}

/** Does the work again, after a pause, as long as it fails in a way that may pass. @throws AbortError */
export async function withRetries<T>(
  work: () => Promise<T>,
  { clock, timing }: Pick<ControlOptions, "clock" | "timing">,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || attempt >= timing.attemptsMax) throw error;
    }
    await delay(clock, Math.min(timing.retryMsMax, timing.retryMsMin * 2 ** (attempt - 1)), signal);
    throwIfAborted(signal);
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof StatusError && error.reason === "powerControlFailed";

/** A foreign text as it may stand in a proof or a log: on one line, without control characters, bounded. */
export function quoted(text: string): string {
  const line = text.replaceAll(/[^\P{C}]+|\s+/gu, " ").trim();
  return line.slice(0, limits.powerSaidLengthMax);
}
