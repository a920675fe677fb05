/**
 * Frames as guests send them, for specs of the switch: made byte by byte, and not by the code that they are
 * to test. What nobody looks at (checksums) is 0.
 */

const hex = (text: string): Buffer => Buffer.from(text.replace(/[\s:]/g, ""), "hex");
const number = (value: number, bytes: number): Buffer => hex(value.toString(16).padStart(bytes * 2, "0"));
const ip4 = (text: string): Buffer => Buffer.from(text.split(".").map(Number));

/** Of IPv6 all groups are written out, or are zeros at `::`. */
export function ip6(text: string): Buffer {
  const [head = "", tail = ""] = text.split("::");
  const groups = (part: string) => part.split(":").filter(Boolean);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return hex([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""));
}

export interface Ends {
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly source: string;
  readonly destination: string;
}

export const ethernet = (ends: Pick<Ends, "sourceMac" | "destinationMac">, type: number, payload: Buffer) =>
  Buffer.concat([hex(ends.destinationMac), hex(ends.sourceMac), number(type, 2), payload]);

export interface Ip4Given {
  readonly id?: number;
  /** In bytes. */
  readonly offset?: number;
  readonly more?: boolean;
  readonly options?: Buffer;
}

export function ip4Frame(ends: Ends, protocol: number, payload: Buffer, given: Ip4Given = {}): Buffer {
  const { id = 1, offset = 0, more = false, options = Buffer.alloc(0) } = given;
  const headerBytes = 20 + options.length;
  const header = Buffer.concat([
    ...[number(0x40 + headerBytes / 4, 1), number(0, 1), number(headerBytes + payload.length, 2)],
    ...[number(id, 2), number((more ? 0x2000 : 0) + offset / 8, 2), number(64, 1), number(protocol, 1)],
    ...[number(0, 2), ip4(ends.source), ip4(ends.destination), options],
  ]);
  return ethernet(ends, 0x0800, Buffer.concat([header, payload]));
}

/** `next`: the protocol of the first header behind IPv6's own. */
export function ip6Frame(ends: Ends, next: number, payload: Buffer, hops = 64): Buffer {
  const header = [hex("60000000"), number(payload.length, 2), number(next, 1), number(hops, 1)];
  const all = Buffer.concat([...header, ip6(ends.source), ip6(ends.destination), payload]);
  return ethernet(ends, 0x86dd, all);
}

export const udp = (source: number, destination: number, payload: Buffer = Buffer.from("hello")): Buffer =>
  Buffer.concat([
    number(source, 2),
    number(destination, 2),
    number(8 + payload.length, 2),
    number(0, 2),
    payload,
  ]);

export const flags = { fin: 1, syn: 2, reset: 4, push: 8, acknowledge: 16 } as const;

export const tcp = (
  source: number,
  destination: number,
  bits: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer =>
  Buffer.concat([
    ...[number(source, 2), number(destination, 2), number(1, 4), number(1, 4), number(5 << 4, 1)],
    ...[number(bits, 1), number(1_000, 2), number(0, 4), payload],
  ]);

export const icmp = (type: number, code: number, rest: Buffer = hex("00070001")): Buffer =>
  Buffer.concat([number(type, 1), number(code, 1), number(0, 2), rest]);

/** An error about the packet of a frame: its header and 8 bytes more. */
export const icmpError = (type: number, code: number, about: Buffer): Buffer =>
  icmp(type, code, Buffer.concat([number(0, 4), about.subarray(14, 14 + 28)]));

export interface ArpGiven {
  readonly operation: 1 | 2;
  readonly senderMac: string;
  readonly sender: string;
  readonly target: string;
  /** Of the frame. */
  readonly from?: string;
}

export function arpFrame({ operation, senderMac, sender, target, from = senderMac }: ArpGiven): Buffer {
  const head = hex(`000108000604000${operation}`);
  const payload = Buffer.concat([head, hex(senderMac), ip4(sender), Buffer.alloc(6), ip4(target)]);
  return ethernet({ sourceMac: from, destinationMac: "ff:ff:ff:ff:ff:ff" }, 0x0806, payload);
}

/** A question for a neighbour of IPv6, or what guests say of themselves. */
export const discovery = (type: number, target: string): Buffer =>
  icmp(type, 0, Buffer.concat([hex("00000000"), ip6(target)]));

export interface DhcpGiven {
  readonly type: number;
  readonly mac: string;
  readonly client?: string;
  readonly requested?: string;
  readonly server?: string;
  readonly relay?: string;
  readonly broadcast?: boolean;
  /** 2: an answer. */
  readonly operation?: number;
}

/** The message, without UDP's header. */
export function dhcp(given: DhcpGiven): Buffer {
  const { type, mac, client = "0.0.0.0", requested, server, relay = "0.0.0.0", operation = 1 } = given;
  const bytes = Buffer.alloc(240);
  bytes.set([operation, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, given.broadcast === true ? 0x80 : 0, 0]);
  ip4(client).copy(bytes, 12);
  ip4(relay).copy(bytes, 24);
  hex(mac).copy(bytes, 28);
  hex("63825363").copy(bytes, 236);
  const address = (code: number, text?: string) =>
    text === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([code, 4]), ip4(text)]);
  return Buffer.concat([
    bytes,
    hex("3501"),
    number(type, 1),
    address(50, requested),
    address(54, server),
    hex("ff"),
  ]);
}

export const dhcpFrame = (mac: string, given: Omit<DhcpGiven, "mac">, ends: Partial<Ends> = {}): Buffer =>
  ip4Frame(
    {
      ...{ sourceMac: mac, destinationMac: "ff:ff:ff:ff:ff:ff", source: given.client ?? "0.0.0.0" },
      ...{ destination: "255.255.255.255", ...ends },
    },
    17,
    udp(68, 67, dhcp({ ...given, mac })),
  );
