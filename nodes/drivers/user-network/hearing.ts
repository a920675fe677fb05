/**
 * Whether a gateway still answers: one that lives and says nothing passes nothing either, and its process has
 * to be ended before another can take its place. One look alone says nothing: a busy computer is slow, and an
 * agent that was stopped itself has only missed the answers. Pure.
 */
import { userNetworkLimits } from "./limits.ts";

export interface Hearing {
  /** Of the process: another one begins anew. */
  readonly pid: number;
  /** When it answered last; of one that has not answered yet, when it was seen first. */
  readonly heardAtMs: number;
  /** Looks in a row that it has not answered. */
  readonly silences: number;
}

export const firstHearing = (pid: number, nowMs: number): Hearing => ({
  ...{ pid, heardAtMs: nowMs, silences: 0 },
});

export const afterSilence = (hearing: Hearing): Hearing => ({
  ...hearing,
  silences: hearing.silences + 1,
});

const { gatewaySilenceMsMax, gatewaySilencesMin } = userNetworkLimits;

/** True: it is to be ended. */
export const isHung = ({ heardAtMs, silences }: Hearing, nowMs: number): boolean =>
  silences >= gatewaySilencesMin && nowMs - heardAtMs >= gatewaySilenceMsMax;
