/**
 * The one maker of ids. An id is a UUID of version 7 (RFC 9562, 5.7): ordered by time, so that new rows lie
 * together in an index, and a valid token of a subject.
 *
 *   tttttttt-tttt-7ccc-Vddr-rrrrrrrrrrrr    t  milliseconds since 1970     c  counter    r  random
 *                                           V, d, d: two bits of the variant, ten of the deployment
 *
 * The deployment's number is at the head of `rand_b`, behind the variant, and never next to the time: ids of
 * one deployment would lie apart from those of another made in the same millisecond, and the order would no
 * longer be that of time. The last twelve digits are random: names of devices, which have few characters, are
 * made of them.
 *
 * Ids of volumes will be of version 4 with the deployment at the same place: a guest sees the first twenty
 * characters of one as its disk's serial number, which in a version 7 would be mostly time.
 *
 * Pure but for its memory: the caller gives the clock and the random bytes.
 */
import type { Clock, Ids } from "./transport.ts";

/** The greatest number of a deployment: ten bits. */
export const deploymentMax = 1_023;

export interface IdOptions {
  /** The deployment's number: 0 to {@link deploymentMax}. */
  readonly deployment: number;
  readonly clock: Pick<Clock, "nowMs">;
  /** Gives `count` random bytes that nobody can guess. */
  readonly entropy: (count: number) => Uint8Array;
}

/** Ids whose random bytes are fetched at once: fetching costs more than all other steps. */
const idsAtOnce = 100;
const entropyBytesOfId = 10;
const counterMax = 0xfff;
/** RFC 9562, 6.2: the counter's highest bit begins as 0, as room for many ids of one millisecond. */
const firstCounterMax = 0x7ff;

/**
 * A maker whose ids rise strictly, also inside a millisecond and when the clock goes back. That is method 1
 * of RFC 9562, 6.2: a counter of twelve bits in `rand_a`, begun anew at random with every millisecond. A
 * clock that went back is not followed: the time stays where it was until the clock has caught up. A counter
 * that is used up takes the next millisecond early. So a process has one maker, or it has no order; two
 * processes need none, since 52 bits of each id are random.
 *
 * @throws RangeError when there is no such deployment
 */
export function createIds({ deployment, clock, entropy }: IdOptions): Ids {
  if (!Number.isInteger(deployment) || deployment < 0 || deployment > deploymentMax)
    throw new RangeError(`The deployment ${deployment} is none of 0 to ${deploymentMax}.`);
  let [lastMs, counter] = [-1, 0];
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;
  return {
    next: () => {
      const nowMs = Math.floor(clock.nowMs());
      if (used === pool.length) {
        pool = entropy(idsAtOnce * entropyBytesOfId);
        used = 0;
      }
      const bytes = new Uint8Array(16);
      bytes.set(pool.subarray(used, used + entropyBytesOfId), 6);
      used += entropyBytesOfId;
      if (nowMs <= lastMs && counter < counterMax) counter += 1;
      else {
        lastMs = Math.max(nowMs, lastMs + 1);
        counter = (((bytes[6] ?? 0) << 8) | (bytes[7] ?? 0)) & firstCounterMax;
      }
      setTime(bytes, lastMs);
      bytes[6] = counter >> 8;
      bytes[7] = counter & 0xff;
      return uuidOf(bytes, 7, deployment);
    },
  };
}

function setTime(bytes: Uint8Array, ms: number): void {
  let rest = ms;
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/**
 * The UUID made of these 16 bytes, overwritten with version, variant and deployment, whose places are the
 * same in every version.
 */
export function uuidOf(bytes: Uint8Array, version: 4 | 7, deployment: number): string {
  const stamped = Uint8Array.from(bytes);
  stamped[6] = (version << 4) | ((bytes[6] ?? 0) & 0x0f);
  stamped[8] = 0x80 | (deployment >> 4);
  stamped[9] = ((deployment & 0x0f) << 4) | ((bytes[9] ?? 0) & 0x0f);
  let text = "";
  for (let at = 0; at < 16; at += 1) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += "-";
    text += digits[stamped[at] ?? 0];
  }
  return text;
}

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-([89ab][0-9a-f]{3})-[0-9a-f]{12}$/;

/** The deployment's number in an id; undefined when the id has another form. */
export function deploymentOf(id: string): number | undefined {
  const [, part] = pattern.exec(id) ?? [];
  return part === undefined ? undefined : (Number.parseInt(part, 16) >> 4) & deploymentMax;
}
