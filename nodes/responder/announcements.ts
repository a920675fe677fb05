/**
 * When guests are told their networks without having asked: some times after what they are told has changed,
 * since a guest or its device may not be there yet, and then again and again, long before they forget it. All
 * that is due is given a few at a time. Pure, apart from what it remembers.
 */
import { advertisePeriodSeconds } from "../dhcp6/advertisement.ts";
import { responderLimits } from "./limits.ts";

interface Entry {
  /** What the guest is told. */
  text: string;
  /** Number of times that this was said. */
  times: number;
  dueAtMs: number;
}

export class Announcements {
  readonly #entries = new Map<string, Entry>();

  /** `told`: what guests are told from now on, by guest. */
  update(told: ReadonlyMap<string, string>, nowMs: number): void {
    for (const guest of this.#entries.keys()) if (!told.has(guest)) this.#entries.delete(guest);
    for (const [guest, text] of told)
      if (this.#entries.get(guest)?.text !== text)
        this.#entries.set(guest, { text, times: 0, dueAtMs: nowMs });
  }

  /** Guests to be told now: those who have waited longest, not all at once. */
  due(nowMs: number): readonly string[] {
    const waiting = [...this.#entries].filter(([, { dueAtMs }]) => dueAtMs <= nowMs);
    const first = waiting.sort(([, one], [, other]) => one.dueAtMs - other.dueAtMs);
    const some = first.slice(0, responderLimits.announcedAtOnceMax);
    for (const [, entry] of some) {
      entry.dueAtMs = nowMs + pauseAfterMs(entry.times);
      entry.times += 1;
    }
    return some.map(([guest]) => guest);
  }
}

/** After the guest was told the same so many times before. */
function pauseAfterMs(times: number): number {
  const { announcePauseMsMin, announcedAgainMax } = responderLimits;
  return times < announcedAgainMax ? announcePauseMsMin * 4 ** times : advertisePeriodSeconds * 1_000;
}
