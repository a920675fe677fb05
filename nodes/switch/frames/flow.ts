/**
 * What a packet is part of: who talks to whom, by which protocol and through which ports. Two packets of one
 * conversation have the same flow, or one the reverse of the other's. Pure.
 */
import { type IpPacket, readIpv4, readIpv6 } from "./ip.ts";

export const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

export interface Flow {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** Of TCP, UDP and SCTP; of ICMP the type; else 0. */
  readonly sourcePort: number;
  /** Of TCP, UDP and SCTP; of ICMP's questions and answers their identifier, of others none; else 0. */
  readonly destinationPort: number;
}

export interface Carried {
  readonly flow: Flow;
  /** Bits as in TCP's header; 0: it is no TCP. */
  readonly tcpFlags: number;
  /** Null: it is no ICMP. */
  readonly icmp: Icmp | null;
}

interface Icmp {
  readonly type: number;
  readonly code: number;
  /** The flow of the packet that an error quotes; null: no error, or no packet in it. */
  readonly about: Flow | null;
}

export const tcpFlags = { fin: 1, syn: 2, reset: 4, acknowledge: 16 } as const;

/** Questions of ICMP and their answers (RFC 792, RFC 950, RFC 4443), by type. */
const icmpAnswers = new Map([[8, 0] as const, [13, 14] as const, [15, 16] as const, [17, 18] as const]);
const icmpv6Answers = new Map([[128, 129] as const]);
const icmpQuestions = new Map([...icmpAnswers].map(([question, answer]) => [answer, question] as const));
const icmpv6Questions = new Map([...icmpv6Answers].map(([question, answer]) => [answer, question] as const));
/** Unreachable, source quench, time exceeded, parameter problem; of IPv6 also packet too big. */
const icmpErrors = new Set([3, 4, 11, 12]);
const icmpv6Errors = new Set([1, 2, 3, 4]);

const answersOf = ({ version }: Pick<Flow, "version">): ReadonlyMap<number, number> =>
  version === 4 ? icmpAnswers : icmpv6Answers;
const questionsOf = ({ version }: Pick<Flow, "version">): ReadonlyMap<number, number> =>
  version === 4 ? icmpQuestions : icmpv6Questions;

export const isQuestion = (flow: Flow, type: number): boolean => answersOf(flow).has(type);
export const isAnswer = (flow: Flow, type: number): boolean => questionsOf(flow).has(type);

/** Undefined: the packet's protocol has no whole header in it. */
export function readFlow(bytes: Buffer, packet: IpPacket): Carried | undefined {
  const { version, protocol, source, destination, at, end } = packet;
  const flow = { version, protocol, source, destination, sourcePort: 0, destinationPort: 0 };
  switch (protocol) {
    case protocols.tcp:
      return readTcp(bytes, packet, flow);
    case protocols.udp:
    case protocols.sctp:
      return end - at < (protocol === protocols.udp ? 8 : 12)
        ? undefined
        : { flow: withPorts(bytes, at, flow), tcpFlags: 0, icmp: null };
    case protocols.icmp:
    case protocols.icmpv6:
      return isOwnIcmp(flow) ? readIcmp(bytes, packet, flow) : undefined;
    default:
      return { flow, tcpFlags: 0, icmp: null };
  }
}

/** ICMP of IPv4 in IPv6, or the reverse, is nothing that a host takes. */
const isOwnIcmp = ({ version, protocol }: Flow): boolean => (version === 4) === (protocol === protocols.icmp);

const withPorts = (bytes: Buffer, at: number, flow: Flow): Flow => ({
  ...flow,
  sourcePort: bytes.readUInt16BE(at),
  destinationPort: bytes.readUInt16BE(at + 2),
});

function readTcp(bytes: Buffer, { at, end }: IpPacket, flow: Flow): Carried | undefined {
  if (end - at < 20) return undefined;
  const headerBytes = ((bytes[at + 12] ?? 0) >> 4) * 4;
  if (headerBytes < 20 || headerBytes > end - at) return undefined;
  return { flow: withPorts(bytes, at, flow), tcpFlags: bytes[at + 13] ?? 0, icmp: null };
}

function readIcmp(bytes: Buffer, packet: IpPacket, flow: Flow): Carried | undefined {
  const { version, at, end } = packet;
  if (end - at < 8) return undefined;
  const [type = 0, code = 0] = bytes.subarray(at, at + 2);
  const isError = (version === 4 ? icmpErrors : icmpv6Errors).has(type);
  const about = isError ? quoted(bytes.subarray(0, end), at + 8, version) : null;
  return { flow: withQuestion(bytes, at, flow), tcpFlags: 0, icmp: { type, code, about } };
}

/** Stands for none: it is greater than any, since 0 is an identifier like others. */
const noIdentifier = 65_536;

/** Only questions and their answers have an identifier. */
function withQuestion(bytes: Buffer, at: number, flow: Flow): Flow {
  const type = bytes[at] ?? 0;
  const hasIdentifier = isQuestion(flow, type) || isAnswer(flow, type);
  return {
    ...flow,
    sourcePort: type,
    destinationPort: hasIdentifier ? bytes.readUInt16BE(at + 4) : noIdentifier,
  };
}

/** The flow of a packet that an error quotes, of which at least 8 bytes of payload are there. */
function quoted(bytes: Buffer, at: number, version: 4 | 6): Flow | null {
  const packet = version === 4 ? readIpv4(bytes, at, true) : readIpv6(bytes, at, true);
  if (packet === undefined || packet.end - packet.at < 8) return null;
  if (packet.fragment !== null && packet.fragment.offsetBytes > 0) return null;
  const { protocol, source, destination } = packet;
  const flow = { version, protocol, source, destination, sourcePort: 0, destinationPort: 0 };
  if (protocol === protocols.icmp || protocol === protocols.icmpv6)
    return isOwnIcmp(flow) ? withQuestion(bytes, packet.at, flow) : null;
  const hasPorts = protocol === protocols.tcp || protocol === protocols.udp || protocol === protocols.sctp;
  return hasPorts ? withPorts(bytes, packet.at, flow) : flow;
}

/** The flow of the answers. */
export function reversed(flow: Flow): Flow {
  const { version, protocol, source, destination, sourcePort, destinationPort } = flow;
  const ends = { version, protocol, source: destination, destination: source };
  if (protocol !== protocols.icmp && protocol !== protocols.icmpv6)
    return { ...ends, sourcePort: destinationPort, destinationPort: sourcePort };
  const type = answersOf(flow).get(sourcePort) ?? questionsOf(flow).get(sourcePort) ?? sourcePort;
  return { ...ends, sourcePort: type, destinationPort };
}

/** One text for each flow. */
export const flowKey = ({ protocol, source, destination, sourcePort, destinationPort }: Flow): string =>
  `${source}${destination}/${protocol}/${sourcePort}/${destinationPort}`;
