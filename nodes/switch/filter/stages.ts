/**
 * How a connection goes on with each packet, and when a silent one has ended. Sequence numbers are not
 * followed: both ends of a connection are ports of this switch, and nobody else can send in their name. Pure.
 */
import { type Carried, protocols, tcpFlags } from "../frames/flow.ts";

/** `opening`: nobody has answered yet. `closed`: by a reset. */
export type Stage = "opening" | "answered" | "closing" | "closed";

/**
 * Times after the last packet. Source: Linux, Documentation/networking/nf_conntrack-sysctl.rst: the defaults
 * of tcp_timeout_syn_sent, established, fin_wait and close, udp_timeout and udp_timeout_stream, icmp_timeout
 * and generic_timeout.
 */
const idleMs = {
  tcp: { opening: 120_000, answered: 432_000_000, closing: 120_000, closed: 10_000 },
  udp: { opening: 30_000, answered: 120_000 },
  icmp: { opening: 30_000, answered: 30_000 },
  other: { opening: 600_000, answered: 600_000 },
} as const;

export function idleMsOf(protocol: number, stage: Stage): number {
  if (protocol === protocols.tcp) return idleMs.tcp[stage];
  const hasNoEnd = stage === "opening" ? "opening" : "answered";
  if (protocol === protocols.udp) return idleMs.udp[hasNoEnd];
  const isIcmp = protocol === protocols.icmp || protocol === protocols.icmpv6;
  return idleMs[isIcmp ? "icmp" : "other"][hasNoEnd];
}

/**
 * The stage after a packet; `back`: it is from who was called. `new`: the packet begins a connection, which
 * the rules are asked about again.
 */
export function stageAfter(stage: Stage, { flow, tcpFlags: flags }: Carried, back: boolean): Stage | "new" {
  const answered = back && stage === "opening" ? "answered" : stage;
  if (flow.protocol !== protocols.tcp) return answered;
  if (begins(flags)) {
    // Who was called may not call back by the same ports.
    const isRepeated = !back && (stage === "opening" || stage === "answered");
    return isRepeated ? stage : "new";
  }
  if ((flags & tcpFlags.reset) !== 0) return "closed";
  if ((flags & tcpFlags.fin) !== 0) return stage === "closed" ? stage : "closing";
  return answered;
}

/**
 * Whether a packet of no known connection may begin one. One of TCP in the middle of a connection may: the
 * switch may have been started again without it (kept-connections.ts). It goes on when the rules allow it in
 * the direction of that packet. Linux does the same (nf_conntrack_tcp_loose).
 */
export const mayBegin = ({ flow, tcpFlags: flags }: Carried): boolean =>
  flow.protocol !== protocols.tcp ||
  begins(flags) ||
  (flags & (tcpFlags.syn | tcpFlags.fin | tcpFlags.reset | tcpFlags.acknowledge)) === tcpFlags.acknowledge;

/** The packet says that it is a connection's first. */
export const beginsTcp = ({ flow, tcpFlags: flags }: Carried): boolean =>
  flow.protocol === protocols.tcp && begins(flags);

const begins = (flags: number): boolean => (flags & (tcpFlags.syn | tcpFlags.acknowledge)) === tcpFlags.syn;
