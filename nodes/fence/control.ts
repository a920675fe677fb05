/**
 * The interface to a host's power controller (BMC), for the proof that the host is off. A new kind of power
 * controller implements PowerControl and gets a line in index.ts; only prove-off.ts decides when a host
 * counts as off. No code here may take an accepted order for a proof.
 */

import type { PowerProof } from "../../actors/ports/power.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { delay, throwIfAborted } from "../drivers/waiting.ts";
import { powerLimits } from "./limits.ts";

export interface PowerReading {
  readonly off: boolean;
  /** The power controller's answer, in its own words. */
  readonly said: string;
}

/**
 * One power controller, for one attempt to switch a host off. Every method repeats failures that may pass by
 * themselves.
 * @throws StatusError powerControlMissing, powerControlRefused, powerControlUntrusted, powerControlFailed
 */
export interface PowerControl {
  readonly kind: PowerProof["kind"];
  /** Address of the power controller, without user and password; complete after a `read`. */
  readonly at: string;
  read(signal: AbortSignal): Promise<PowerReading>;
  /** Resolves when the order was accepted: the host is still on at that moment. Call it after a `read`. */
  switchOff(signal: AbortSignal): Promise<void>;
  /** Closes what was opened; takes no longer than timing.closeTimeoutMs, and never throws. */
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
  requestTimeoutMs: powerLimits.powerRequestTimeoutMs,
  attemptsMax: powerLimits.powerAttemptsMax,
  retryMsMin: powerLimits.powerRetryMsMin,
  retryMsMax: powerLimits.powerRetryMsMax,
  pollMs: powerLimits.powerPollMs,
  settleMs: powerLimits.powerSettleMs,
  offTimeoutMs: powerLimits.powerOffTimeoutMs,
  closeTimeoutMs: powerLimits.powerCloseTimeoutMs,
};

/** Options of every kind of power controller. */
export interface ControlOptions {
  /** Name of the host, for messages. */
  readonly hostName: string;
  readonly password: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: PowerTiming;
}

/** Repeats the work, with pauses, as long as it fails in a way that may pass. @throws AbortError */
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

/** A foreign text for a proof or a log: on one line, without control characters, bounded. */
export function quoted(text: string): string {
  const line = text.replaceAll(/[^\P{C}]+|\s+/gu, " ").trim();
  return line.slice(0, powerLimits.powerSaidLengthMax);
}
