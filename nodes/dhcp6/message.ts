/**
 * Messages of DHCPv6 as bytes: a type, the transaction, and a list of options, of which some hold options
 * themselves (RFC 8415, 8 and 21). Whatever a guest sends is read without a fault or refused; nothing here
 * may throw, grow or go round by it. Messages of relays are none of ours.
 */

/** RFC 8415, 7.3. */
export const messageTypes6 = {
  ...{ solicit: 1, advertise: 2, request: 3, confirm: 4, renew: 5, rebind: 6, reply: 7, release: 8 },
  ...{ decline: 9, informationRequest: 11 },
} as const;

/** Numbers of options (RFC 8415, 24; servers of names: RFC 3646). */
export const optionCodes6 = {
  ...{ client: 1, server: 2, addresses: 3, temporary: 4, address: 5, preference: 7, status: 13 },
  ...{ rapidCommit: 14, dnsServers: 23, prefixes: 25 },
} as const;

/** RFC 8415, 21.13. */
export const statusCodes6 = { success: 0, noAddresses: 2, notOnLink: 4, noPrefixes: 6 } as const;

export interface Option6 {
  readonly code: number;
  readonly data: Buffer;
}

export interface Dhcp6Message {
  readonly type: number;
  /** Of 24 bits. */
  readonly transaction: number;
  /** As they came, also several of one code. */
  readonly options: readonly Option6[];
}

/** What a client asks addresses for (RFC 8415, 21.4). */
export interface Identity {
  readonly id: number;
  /** Addresses in digits that the client has, or wants. */
  readonly addresses: readonly string[];
}

const headBytes = 4;
const identityBytes = 12;
const addressBytes = 24;
/** Clients send about ten. */
const optionsMax = 64;

/** Undefined: it is no message, or has more options than any client sends. */
export function readMessage6(bytes: Buffer): Dhcp6Message | undefined {
  if (bytes.length < headBytes) return undefined;
  const options = readOptions6(bytes.subarray(headBytes));
  if (options === undefined) return undefined;
  return { type: bytes.readUInt8(0), transaction: bytes.readUIntBE(1, 3), options };
}

/** Undefined: one goes beyond the end, or they are too many. */
function readOptions6(bytes: Buffer): readonly Option6[] | undefined {
  const options: Option6[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length || options.length === optionsMax) return undefined;
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) return undefined;
    options.push({ code: bytes.readUInt16BE(at), data: bytes.subarray(at + 4, end) });
    at = end;
  }
  return options;
}

/** Undefined: the option is no such identity. */
export function readIdentity({ data }: Option6): Identity | undefined {
  if (data.length < identityBytes) return undefined;
  const options = readOptions6(data.subarray(identityBytes));
  if (options === undefined) return undefined;
  const its = options.filter((one) => one.code === optionCodes6.address && one.data.length >= addressBytes);
  return { id: data.readUInt32BE(0), addresses: its.map((one) => one.data.toString("hex", 0, 16)) };
}

export interface GivenAddress {
  readonly address: string;
  /** 0: the client has to let go of it. */
  readonly seconds: number;
}

/** The option that tells an identity its addresses, or why it has none (RFC 8415, 21.4 and 21.21). */
export function writeIdentity(
  code: number,
  id: number,
  given: { readonly addresses?: readonly GivenAddress[]; readonly status?: number },
): Option6 {
  const { addresses = [], status } = given;
  const seconds = addresses.reduce((most, one) => Math.max(most, one.seconds), 0);
  // RFC 8415, 21.4: when it asks again, its server first, then any.
  const head = [number32(id), number32(seconds * 0.5), number32(seconds * 0.8)];
  const its = addresses.map((one) => ({ code: optionCodes6.address, data: addressData(one) }));
  const all = status === undefined ? its : [...its, statusOption(status)];
  return { code, data: Buffer.concat([...head, writeOptions6(all, 0xffff - identityBytes)]) };
}

/** How long it is preferred, and how long valid (RFC 8415, 21.6). */
const addressData = ({ address, seconds }: GivenAddress): Buffer =>
  Buffer.concat([Buffer.from(address, "hex"), number32(seconds), number32(seconds)]);

/** Without words: nobody reads them. */
export const statusOption = (status: number): Option6 => ({
  code: optionCodes6.status,
  data: Buffer.from([0, status]),
});

/** At most so many bytes: options that find no room are left out, so the first are those that matter. */
export function writeMessage6({ type, transaction, options }: Dhcp6Message, bytesMax: number): Buffer {
  const head = number32(transaction);
  head[0] = type;
  return Buffer.concat([head, writeOptions6(options, bytesMax - headBytes)]);
}

function writeOptions6(options: readonly Option6[], bytesMax: number): Buffer {
  const parts: Buffer[] = [];
  let room = Math.max(0, bytesMax);
  for (const { code, data } of options) {
    if (data.length > 0xffff || 4 + data.length > room) continue;
    const head = Buffer.alloc(4);
    head.writeUInt16BE(code, 0);
    head.writeUInt16BE(data.length, 2);
    parts.push(head, data);
    room -= 4 + data.length;
  }
  return Buffer.concat(parts);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
