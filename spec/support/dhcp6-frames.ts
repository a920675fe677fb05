/**
 * What guests ask of DHCPv6 and of routers, as frames made byte by byte, and what they are answered, read the
 * same way; for specs of whoever answers.
 */
import { type Ends, ip6, ip6Frame, udp } from "./frames.ts";
import type { Guest } from "./switch-world.ts";
import { macOf } from "./switch-world.ts";

const hex = (text: string): Buffer => Buffer.from(text.replace(/[\s:]/g, ""), "hex");

export const dhcp6Types = { solicit: 1, advertise: 2, request: 3, confirm: 4, renew: 5, reply: 7 } as const;

/** The link-local address that is made of the guest's MAC. */
export const linkLocal = (guest: Guest): string => {
  const [first = "", second, third, fourth, fifth, sixth] = macOf(guest).split(":");
  const head = (Number.parseInt(first, 16) ^ 2).toString(16);
  return `fe80::${head}${second}:${third}ff:fe${fourth}:${fifth}${sixth}`;
};

const toServers = (guest: Guest): Ends => ({
  ...{ sourceMac: macOf(guest), destinationMac: "33:33:00:01:00:02" },
  ...{ source: linkLocal(guest), destination: "ff02::1:2" },
});

export interface Asked6 {
  readonly type: number;
  /** Digits of the server that is asked. */
  readonly server?: string;
  /** That the guest names. */
  readonly addresses?: readonly string[];
  readonly rapid?: boolean;
  readonly ends?: Partial<Ends>;
  readonly from?: number;
  readonly to?: number;
}

export function dhcp6Frame(guest: Guest, asked: Asked6): Buffer {
  const { type, server, addresses = [], rapid = false, ends = {}, from = 546, to = 547 } = asked;
  const option = (code: number, data: Buffer) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(code, 0);
    head.writeUInt16BE(data.length, 2);
    return Buffer.concat([head, data]);
  };
  const named = addresses.map((address) => option(5, Buffer.concat([ip6(address), Buffer.alloc(8)])));
  const message = Buffer.concat([
    ...[Buffer.from([type, 0xab, 0xcd, 0xef]), option(1, hex(`00030001${macOf(guest)}`))],
    ...(server === undefined ? [] : [option(2, hex(server))]),
    option(3, Buffer.concat([hex("000000090000000000000000"), ...named])),
    ...(rapid ? [option(14, Buffer.alloc(0))] : []),
  ]);
  return ip6Frame({ ...toServers(guest), ...ends }, 17, udp(from, to, message));
}

export interface Answered6 {
  readonly type: number | undefined;
  readonly to: string;
  readonly toMac: string;
  readonly ports: readonly number[];
  /** Digits. */
  readonly server: string;
  readonly addresses: readonly { readonly address: string; readonly seconds: number }[];
  readonly dns: string;
}

/** Undefined: the frame is no answer of DHCPv6. */
export function readDhcp6(frame: Buffer): Answered6 | undefined {
  if (frame.readUInt16BE(12) !== 0x86dd || frame[20] !== 17 || frame.readUInt16BE(54) !== 547)
    return undefined;
  const options = optionsIn(frame.subarray(66));
  const identity = options.get(3) ?? Buffer.alloc(12);
  const inner = optionsOf(identity.subarray(12)).filter(([code]) => code === 5);
  return {
    ...{ type: frame[62], to: frame.toString("hex", 38, 54), toMac: frame.toString("hex", 0, 6) },
    ports: [frame.readUInt16BE(54), frame.readUInt16BE(56)],
    ...{ server: options.get(2)?.toString("hex") ?? "", dns: options.get(23)?.toString("hex") ?? "" },
    addresses: inner.map(([, data]) => ({
      address: data.toString("hex", 0, 16),
      seconds: data.readUInt32BE(20),
    })),
  };
}

function optionsOf(bytes: Buffer): (readonly [code: number, data: Buffer])[] {
  const found: (readonly [number, Buffer])[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt16BE(at + 2))
    found.push([bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + bytes.readUInt16BE(at + 2))]);
  return found;
}
const optionsIn = (bytes: Buffer): ReadonlyMap<number, Buffer> => new Map(optionsOf(bytes));

/** A guest asks for routers. */
export const solicitation = (guest: Guest, ends: Partial<Ends> = {}, hops = 255): Buffer =>
  ip6Frame(
    { ...toServers(guest), destinationMac: "33:33:00:00:00:02", destination: "ff02::2", ...ends },
    58,
    hex("85000000 00000000"),
    hops,
  );

export interface Advertised6 {
  readonly by: string;
  readonly byMac: string;
  readonly to: string;
  readonly toMac: string;
  /** M is 128, O is 64. */
  readonly flags: number | undefined;
  readonly routerSeconds: number;
  /** Numbers of options, with their bytes behind the head of two. */
  readonly options: Readonly<Record<number, string>>;
}

/** Undefined: the frame is no router's advertisement. */
export function readAdvertisement(frame: Buffer): Advertised6 | undefined {
  if (frame.readUInt16BE(12) !== 0x86dd || frame[20] !== 58 || frame[54] !== 134) return undefined;
  const options: Record<number, string> = {};
  for (let at = 70; at < frame.length; at += 8 * (frame[at + 1] ?? 1))
    options[frame[at] ?? 0] = frame.toString("hex", at + 2, at + 8 * (frame[at + 1] ?? 1));
  return {
    ...{ by: frame.toString("hex", 22, 38), byMac: frame.toString("hex", 6, 12) },
    ...{ to: frame.toString("hex", 38, 54), toMac: frame.toString("hex", 0, 6) },
    ...{ flags: frame[59], routerSeconds: frame.readUInt16BE(60), options },
  };
}
