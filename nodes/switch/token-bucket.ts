/**
 * A bandwidth limit as a bucket of tokens, one for each bit: time fills the bucket up to the burst, and a
 * frame passes when it finds a token for each of its bits. Other frames are dropped, and take none: nothing
 * waits, so a guest can make nothing grow. Pure, but for the class that remembers one bucket.
 */
import type { BandwidthLimit } from "../../protocol/port.ts";

export interface Bucket {
  readonly bits: number;
  /** When it had so many. */
  readonly atMs: number;
}

export interface Taken {
  readonly bucket: Bucket;
  readonly passes: boolean;
}

/** As if nothing had passed for long. */
export const fullBucket = ({ burstKilobits }: BandwidthLimit, nowMs: number): Bucket => ({
  bits: burstKilobits * 1_000,
  atMs: nowMs,
});

/** A frame that is larger than the burst passes a full bucket: else it would never pass. */
export function take(bucket: Bucket, limit: BandwidthLimit, bytes: number, nowMs: number): Taken {
  const most = limit.burstKilobits * 1_000;
  // A kilobit in a second is a bit in a millisecond.
  const filled = bucket.bits + Math.max(0, nowMs - bucket.atMs) * limit.kilobitsPerSecond;
  const there = Math.min(filled, most);
  const passes = there >= Math.min(bytes * 8, most);
  return { bucket: { bits: passes ? Math.max(0, there - bytes * 8) : there, atMs: nowMs }, passes };
}

/** The limit of one direction of one port, which may change while frames pass. */
export class Meter {
  #bucket: Bucket | undefined;

  /** `limit`: null or undefined: there is none. */
  passes(limit: BandwidthLimit | null | undefined, bytes: number, nowMs: number): boolean {
    if (!limit) {
      this.#bucket = undefined;
      return true;
    }
    const { bucket, passes } = take(this.#bucket ?? fullBucket(limit, nowMs), limit, bytes, nowMs);
    this.#bucket = bucket;
    return passes;
  }
}
