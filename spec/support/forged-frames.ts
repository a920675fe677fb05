/** Frames by which a guest passes for somebody else, one of each kind, for specs of packet rules. */
import * as frames from "./frames.ts";
import * as world from "./switch-world.ts";

/** QEMU and the kernel look at the checksum of the header. */
export function sealed(frame: Buffer): Buffer {
  if (frame.readUInt16BE(12) !== 0x800) return frame;
  const sealedFrame = Buffer.from(frame);
  const end = 14 + ((frame[14] ?? 0) & 15) * 4;
  let sum = 0;
  for (let index = 14; index < end; index += 2) sum += index === 24 ? 0 : frame.readUInt16BE(index);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  sealedFrame.writeUInt16BE(~sum & 0xffff, 24);
  return sealedFrame;
}

/** A message of ICMP with its checksum, which a guest's kernel looks at. */
export function summed(type: number, rest: Buffer): Buffer {
  const message = frames.icmp(type, 0, rest);
  let sum = 0;
  for (let at = 0; at < message.length; at += 2) sum += message.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  message.writeUInt16BE(~sum & 0xffff, 2);
  return message;
}

interface Given extends Partial<frames.Ends> {
  readonly more?: Buffer;
}

/** `word`, of six bytes, is in each of them. */
export function forgedFrames(
  caller: world.Guest,
  called: world.Guest,
  word: Buffer,
): Readonly<Record<string, Buffer>> {
  const [mine, theirs] = [world.ends4(caller, called), world.ends4(called, caller)];
  const six = world.ends6(caller, called);
  const icmp6 = (type: number, given: Partial<frames.Ends> = {}) =>
    frames.ip6Frame(
      { ...six, ...given },
      58,
      frames.icmp(type, 0, Buffer.concat([Buffer.alloc(20), word])),
      255,
    );
  const wordy = `fd00:1::${word.toString("hex").replaceAll(/(.{4})(?!$)/g, "$1:")}`;
  const neighbour = (type: 135 | 136, target: string, mac: string, given: Given = {}) => {
    const option = Buffer.from(`${type === 135 ? "01" : "02"}01${mac.replaceAll(":", "")}`, "hex");
    const message = Buffer.concat([frames.discovery(type, target), option, given.more ?? Buffer.alloc(0)]);
    return frames.ip6Frame({ ...six, ...given }, 58, message, 255);
  };
  const wordyMac = word.toString("hex");
  const allowedPacket = frames.ip4Frame(mine, 17, frames.udp(1, 5_000, word));
  return {
    "MAC addresses": sealed(
      frames.ip4Frame({ ...mine, sourceMac: world.macOf(called) }, 17, frames.udp(1, 5_000, word)),
    ),
    "IPv4 addresses": sealed(
      frames.ip4Frame({ ...mine, source: "10.0.1.77" }, 17, frames.udp(1, 5_000, word)),
    ),
    "IPv6 addresses": frames.ip6Frame({ ...six, source: "fd00:1::77" }, 17, frames.udp(1, 5_000, word)),
    "ARP questions": Buffer.concat([
      frames.arpFrame({
        operation: 1,
        senderMac: mine.sourceMac,
        sender: "10.0.1.77",
        target: theirs.source,
      }),
      word,
    ]),
    "ARP answers": Buffer.concat([
      frames.arpFrame({ operation: 2, senderMac: mine.sourceMac, sender: "10.0.1.1", target: theirs.source }),
      word,
    ]),
    "ARP answers of another's MAC address": Buffer.concat([
      frames.arpFrame({
        ...{ operation: 2, senderMac: world.macOf(called), sender: mine.source, target: theirs.source },
        from: mine.sourceMac,
      }),
      word,
    ]),
    "DHCP servers": sealed(frames.ip4Frame(mine, 17, frames.udp(67, 68, word))),
    "DHCPv6 servers": frames.ip6Frame(six, 17, frames.udp(547, 546, word)),
    "DHCPv6 servers of another port": frames.ip6Frame(six, 17, frames.udp(5_000, 546, word)),
    "router advertisements of IPv6": icmp6(134),
    "router advertisements of IPv6 for everybody": icmp6(134, {
      ...{ destinationMac: "33:33:00:00:00:01", destination: "ff02::1" },
    }),
    "redirects of IPv6": icmp6(137),
    "neighbours of IPv6": icmp6(136),
    "neighbours of IPv6 with another's address": neighbour(136, wordy, six.sourceMac),
    "neighbours of IPv6 with another's MAC address": neighbour(136, six.source, wordyMac),
    "neighbours of IPv6 that have two MAC addresses": neighbour(136, six.source, six.sourceMac, {
      more: Buffer.from(`0201${wordyMac}`, "hex"),
    }),
    "questions for neighbours with another's MAC address": neighbour(135, six.destination, wordyMac),
    "questions for neighbours from another's address": neighbour(135, wordy, six.sourceMac, {
      source: "fd00:1::77",
    }),
    "redirects of IPv4": sealed(frames.ip4Frame(mine, 1, frames.icmp(5, 1, word))),
    "router advertisements of IPv4": sealed(frames.ip4Frame(mine, 1, frames.icmp(9, 0, word))),
    "frames of 802.1Q": frames.ethernet(
      mine,
      0x8100,
      Buffer.concat([Buffer.from([0, 5, 8, 0]), sealed(allowedPacket).subarray(14)]),
    ),
    "frames of 802.1ad": frames.ethernet(
      mine,
      0x88a8,
      Buffer.concat([Buffer.from([0, 5, 8, 0]), sealed(allowedPacket).subarray(14)]),
    ),
    "frames of other types": frames.ethernet(mine, 0x88cc, word),
    "frames of 802.3": frames.ethernet(mine, 46, Buffer.concat([word, Buffer.alloc(40)])),
    "packets that lead elsewhere": sealed(
      frames.ip4Frame(mine, 17, frames.udp(1, 5_000, word), {
        options: Buffer.from([131, 7, 4, 10, 0, 1, 8, 0]),
      }),
    ),
  };
}
