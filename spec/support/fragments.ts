/** Packets in two fragments each, for specs of packet rules. */
import { sealed } from "./forged-frames.ts";
import * as frames from "./frames.ts";

/** A datagram to the port 5000: `first` is in the one fragment, and `last` in the other. */
export function datagram(ends: frames.Ends, id: number): readonly [Buffer, Buffer] {
  const whole = frames.udp(4_000, 5_000, Buffer.from(`${"first".padEnd(24)}last`));
  const part = (bytes: Buffer, given: frames.Ip4Given) =>
    sealed(frames.ip4Frame(ends, 17, bytes, { id, ...given }));
  return [part(whole.subarray(0, 32), { more: true }), part(whole.subarray(32), { offset: 32 })];
}

/** What a guest tells its neighbours of an address: the address is in the second fragment, before `word`. */
export function advertisement(ends: frames.Ends, id: number, target: string, word: string) {
  const whole = Buffer.concat([frames.discovery(136, target), Buffer.from(word)]);
  return fragments6(ends, { next: 58, whole, cut: 8, id });
}

interface Cut {
  /** Protocol of the first header of the whole. */
  readonly next: number;
  readonly whole: Buffer;
  /** Bytes in the first fragment. */
  readonly cut: number;
  readonly id: number;
}

export function fragments6(ends: frames.Ends, { next, whole, cut, id }: Cut): readonly [Buffer, Buffer] {
  const part = (bytes: Buffer, offsetBytes: number, more: boolean) => {
    const header = Buffer.alloc(8);
    header[0] = next;
    header.writeUInt16BE(offsetBytes | (more ? 1 : 0), 2);
    header.writeUInt32BE(id, 4);
    return frames.ip6Frame(ends, 44, Buffer.concat([header, bytes]), 255);
  };
  return [part(whole.subarray(0, cut), 0, true), part(whole.subarray(cut), cut, false)];
}
