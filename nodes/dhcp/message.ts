/**
 * Messages of DHCP as bytes: 236 fixed ones, a magic number, and a list of options (RFC 2131, 2; RFC 2132).
 * Whatever a guest sends is read without a fault or refused; nothing here may throw or grow by it.
 */

export const messageTypes = {
  ...{ discover: 1, offer: 2, request: 3, decline: 4, acknowledge: 5, refuse: 6, release: 7, inform: 8 },
} as const;

/** Numbers of options (RFC 2132; 121: RFC 3442). */
export const optionCodes = {
  ...{ mask: 1, router: 3, dnsServers: 6, hostName: 12, mtu: 26, requestedAddress: 50, leaseTime: 51 },
  ...{ overload: 52, messageType: 53, server: 54, sizeMax: 57, routes: 121 },
} as const;

export interface DhcpMessage {
  /** False: a server's answer. */
  readonly request: boolean;
  readonly transaction: number;
  /** Whether answers have to be broadcast. */
  readonly broadcast: boolean;
  /** Addresses as numbers: the client's present one, the one it is given, a server's, a relay's; 0: none. */
  readonly clientAddress: number;
  readonly yourAddress: number;
  readonly serverAddress: number;
  readonly relayAddress: number;
  /** Six bytes as twelve digits. */
  readonly mac: string;
  /** By code; in an answer in the order in which they are written. */
  readonly options: ReadonlyMap<number, Buffer>;
}

const optionsAt = 240;
const magic = 0x63825363;
const [pad, end] = [0, 255];
const ethernet = 1;
const broadcastFlag = 0x8000;
const dataBytesMax = 255;
/** BOOTP's messages have so many bytes at least, and some clients want it (RFC 1542, 2.1). */
const messageBytesMin = 300;

/** Undefined: it is no message of a client or server on Ethernet. */
export function readMessage(bytes: Buffer): DhcpMessage | undefined {
  if (bytes.length < optionsAt || bytes.readUInt32BE(236) !== magic) return undefined;
  const [operation, hardware, addressLength] = bytes;
  if (operation !== 1 && operation !== 2) return undefined;
  if (hardware !== ethernet || addressLength !== 6) return undefined;
  const options = readOptions(bytes.subarray(optionsAt));
  if (options === undefined) return undefined;
  return {
    request: operation === 1,
    transaction: bytes.readUInt32BE(4),
    broadcast: (bytes.readUInt16BE(10) & broadcastFlag) !== 0,
    clientAddress: bytes.readUInt32BE(12),
    yourAddress: bytes.readUInt32BE(16),
    serverAddress: bytes.readUInt32BE(20),
    relayAddress: bytes.readUInt32BE(24),
    mac: bytes.toString("hex", 28, 34),
    options,
  };
}

/** An option that comes twice is one, in parts (RFC 3396). Undefined: one goes beyond the message's end. */
function readOptions(bytes: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const options = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at] ?? end;
    at += 1;
    if (code === end) return options;
    if (code === pad) continue;
    const length = bytes[at] ?? dataBytesMax;
    if (at + 1 + length > bytes.length) return undefined;
    const data = bytes.subarray(at + 1, at + 1 + length);
    const before = options.get(code);
    options.set(code, before === undefined ? data : Buffer.concat([before, data]));
    at += 1 + length;
  }
  return options;
}

/**
 * The message as bytes, at most so many: options that find no room are left out, so the first are those that
 * matter.
 */
export function writeMessage(message: DhcpMessage, bytesMax: number): Buffer {
  const bytes = Buffer.alloc(Math.max(messageBytesMin, bytesMax));
  bytes.set([message.request ? 1 : 2, ethernet, 6]);
  bytes.writeUInt32BE(message.transaction, 4);
  bytes.writeUInt16BE(message.broadcast ? broadcastFlag : 0, 10);
  bytes.writeUInt32BE(message.clientAddress, 12);
  bytes.writeUInt32BE(message.yourAddress, 16);
  bytes.writeUInt32BE(message.serverAddress, 20);
  bytes.writeUInt32BE(message.relayAddress, 24);
  bytes.write(message.mac, 28, 6, "hex");
  bytes.writeUInt32BE(magic, 236);
  let at = optionsAt;
  for (const [code, data] of message.options) {
    const parts = partsOf(data);
    if (at + data.length + 2 * parts.length + 1 > bytes.length) continue;
    for (const part of parts) {
      bytes.set([code, part.length], at);
      bytes.set(part, at + 2);
      at += 2 + part.length;
    }
  }
  bytes[at] = end;
  return bytes.subarray(0, Math.max(messageBytesMin, at + 1));
}

function partsOf(data: Buffer): readonly Buffer[] {
  const count = Math.max(1, Math.ceil(data.length / dataBytesMax));
  return Array.from({ length: count }, (_, at) => data.subarray(at * dataBytesMax, (at + 1) * dataBytesMax));
}
