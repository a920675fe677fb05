/**
 * When a sender is not heard for a while, and for how long: when what it sends beyond its share costs the
 * server too much merely to be kept out. Counted is the time of the event loop that this takes, of each
 * sender and of all together.
 *
 * Pure but for the time that is passed in. It must never judge by what is within a sender's share.
 */
import { admissionLimits } from "../limits/admission.ts";

/** Time that was spent, less what may be spent as time goes on. */
interface Spent {
  ms: number;
  atMs: number;
}

interface Sender extends Spent {
  /** When it is, or was, heard again. */
  heardFromMs: number;
  mutedMs: number;
}

const bytesPerMib = 1024 * 1024;
const secondMs = 1_000;
const tenThousand = 10_000;

export class Mutes {
  readonly #senders = new Map<string, Sender>();
  readonly #all: Spent = { ms: 0, atMs: 0 };

  /**
   * Counts a message that was kept out. The names have to be few: each is remembered.
   * Returns for how many ms its sender is not to be heard; undefined: it is heard on.
   */
  keptOut(name: string, bytes: number, nowMs: number): number | undefined {
    const sender = this.#senderOf(name, nowMs);
    const costMs =
      admissionLimits.keptOutTenThousandMs / tenThousand +
      (bytes / bytesPerMib) * admissionLimits.keptOutMibMs;
    spend(sender, { costMs, nowMs, perSecond: admissionLimits.mutePeriodicMs });
    spend(this.#all, { costMs, nowMs, perSecond: admissionLimits.muteAllPeriodicMs });
    const goesOn = nowMs - sender.heardFromMs < admissionLimits.muteForgottenMs;
    return this.#isTooMuch(sender, goesOn) ? this.#mute(sender, goesOn, nowMs) : undefined;
  }

  /** A flood that goes on after a pause is known for one, and ends sooner. */
  #isTooMuch({ ms }: Sender, goesOn: boolean): boolean {
    const sooner = goesOn || this.#all.ms > admissionLimits.muteAllAfterMs;
    return ms > (sooner ? admissionLimits.muteSoonerMs : admissionLimits.muteAfterMs);
  }

  #mute(sender: Sender, goesOn: boolean, nowMs: number): number {
    const { muteMsMin, muteMsMax } = admissionLimits;
    sender.mutedMs = goesOn ? Math.min(muteMsMax, sender.mutedMs * 2) : muteMsMin;
    sender.heardFromMs = nowMs + sender.mutedMs;
    this.#all.ms = Math.max(0, this.#all.ms - sender.ms);
    sender.ms = 0;
    return sender.mutedMs;
  }

  #senderOf(name: string, nowMs: number): Sender {
    let sender = this.#senders.get(name);
    if (sender === undefined) {
      sender = { ms: 0, atMs: nowMs, heardFromMs: Number.NEGATIVE_INFINITY, mutedMs: 0 };
      this.#senders.set(name, sender);
    }
    return sender;
  }
}

interface Cost {
  readonly costMs: number;
  readonly nowMs: number;
  /** So much may be spent in each second. */
  readonly perSecond: number;
}

function spend(spent: Spent, { costMs, nowMs, perSecond }: Cost): void {
  const seconds = Math.max(0, nowMs - spent.atMs) / secondMs;
  spent.atMs = Math.max(spent.atMs, nowMs);
  spent.ms = Math.max(0, spent.ms - seconds * perSecond) + costMs;
}
