/**
 * What DHCP answers to a guest, decided from the message and the port's lease alone (RFC 2131, 4.3). The
 * same question always has the same answer, whoever gives it, and whatever was answered before. A guest is
 * refused only an address that is not its own, and is told of no address but its own.
 */
import { type Lease, type Route, serviceAddress } from "./lease.ts";
import { type DhcpMessage, messageTypes, optionCodes } from "./message.ts";

/** A guest asks again after half of it: a responder that is away for hours is not noticed. */
export const leaseSeconds = 86_400;

/** Undefined: the guest gets no answer. */
export function answerTo(message: DhcpMessage, lease: Lease): DhcpMessage | undefined {
  if (!message.request || message.relayAddress !== 0 || message.mac !== lease.mac) return undefined;
  switch (message.options.get(optionCodes.messageType)?.[0]) {
    case messageTypes.discover:
      return given(message, lease, messageTypes.offer);
    case messageTypes.request:
      return answerToRequest(message, lease);
    case messageTypes.inform:
      return informed(message, lease);
    default:
      // A declined address stays the port's, and a released one, too: nobody else may have it.
      return undefined;
  }
}

function answerToRequest(message: DhcpMessage, lease: Lease): DhcpMessage | undefined {
  const server = addressIn(message, optionCodes.server);
  if (server !== undefined && server !== serviceAddress) return undefined;
  const asked = addressIn(message, optionCodes.requestedAddress) ?? message.clientAddress;
  if (asked === lease.address) return given(message, lease, messageTypes.acknowledge);
  // Without any address it is no request at all.
  return asked === 0 ? undefined : refused(message);
}

const given = (message: DhcpMessage, lease: Lease, type: number): DhcpMessage => ({
  ...begun(message),
  clientAddress: type === messageTypes.acknowledge ? message.clientAddress : 0,
  yourAddress: lease.address,
  options: new Map([...headed(type), [optionCodes.leaseTime, number(leaseSeconds)] as const, ...told(lease)]),
});

/** The guest has its address from elsewhere, and asks for the rest. */
const informed = (message: DhcpMessage, lease: Lease): DhcpMessage => ({
  ...begun(message),
  clientAddress: message.clientAddress,
  options: new Map([...headed(messageTypes.acknowledge), ...told(lease)]),
});

const refused = (message: DhcpMessage): DhcpMessage => ({
  ...begun(message),
  // The guest has no address at which it could be reached.
  broadcast: true,
  options: new Map(headed(messageTypes.refuse)),
});

const begun = ({ transaction, broadcast, mac }: DhcpMessage): DhcpMessage => ({
  ...{ request: false, transaction, broadcast, mac },
  ...{ clientAddress: 0, yourAddress: 0, serverAddress: 0, relayAddress: 0, options: new Map() },
});

type Option = readonly [code: number, data: Buffer];

const headed = (type: number): readonly Option[] => [
  [optionCodes.messageType, Buffer.from([type])],
  [optionCodes.server, number(serviceAddress)],
];

/** What a guest cannot do without comes first. */
function told(lease: Lease): readonly Option[] {
  const { prefix, router, dnsServers, routes, mtuBytes, hostName } = lease;
  const mtu = Buffer.alloc(2);
  mtu.writeUInt16BE(Math.min(mtuBytes, 0xffff));
  return [
    [optionCodes.mask, number(maskOf(prefix))],
    ...option(optionCodes.router, router === null ? [] : [number(router)]),
    ...option(optionCodes.dnsServers, dnsServers.map(number)),
    [optionCodes.mtu, mtu],
    [optionCodes.routes, Buffer.concat(routes.map(routeBytes))],
    ...option(optionCodes.hostName, hostName === null ? [] : [Buffer.from(hostName, "latin1")]),
  ];
}

const option = (code: number, parts: readonly Buffer[]): readonly Option[] =>
  parts.length === 0 ? [] : [[code, Buffer.concat(parts)]];

export const maskOf = (prefix: number): number => (prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0);

/** The prefix, as much of the destination as it covers, and the router (RFC 3442). */
const routeBytes = ({ destination, prefix, router }: Route): Buffer =>
  Buffer.concat([
    Buffer.from([prefix]),
    number(destination).subarray(0, Math.ceil(prefix / 8)),
    number(router),
  ]);

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Undefined: the option is not there, or is no address. */
function addressIn({ options }: DhcpMessage, code: number): number | undefined {
  const data = options.get(code);
  return data?.length === 4 ? data.readUInt32BE(0) : undefined;
}

/** How large an answer the guest takes: RFC 2131, 2 wants 576 bytes of it, with IP's and UDP's headers. */
export function answerBytesMax({ options }: DhcpMessage, mtuBytes: number): number {
  const data = options.get(optionCodes.sizeMax);
  const asked = data?.length === 2 ? data.readUInt16BE(0) : 0;
  return Math.min(Math.max(asked, 576), mtuBytes) - 28;
}
