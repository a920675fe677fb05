/**
 * What goes outside and comes from there, by a process of the host that calls in its own name (slirp). It
 * must never be asked for an address of the computer itself: it would be answered by whoever listens there
 * for the computer's own programs. Pure.
 */
import { readPacket } from "../filter/read-packet.ts";
import { readArp, writeArpAnswer } from "../frames/arp.ts";
import { etherTypes, type Frame, readFrame } from "../frames/ethernet.ts";
import { protocols } from "../frames/flow.ts";
import { forwarded, hasRightHeader, timeToLiveOf, withSource } from "../frames/forward.ts";
import type { IcmpError } from "../frames/icmp.ts";
import { type DropReason, drop, type Outcome, refusalOf, type Sent, type World } from "../outcome.ts";
import type { Gate, Outside, PlannedPort, PlannedRouter } from "../planned.ts";
import { complain, isNotice } from "./complain.ts";
import { exitAddress, isRoutable } from "./exit.ts";
import { wayFrom } from "./way.ts";

interface Leaving {
  readonly outside: Outside;
  /** Of the router that leads outside: where it was sent the packet. */
  readonly from: Gate;
  readonly hops: number;
}

const carriedOutside: readonly number[] = [protocols.icmp, protocols.tcp, protocols.udp];

export function leave(world: World, sent: Sent, { outside, from, hops }: Leaving, nowMs: number): Outcome {
  const { port, frame, packet, carried } = sent;
  const refused = (kind: IcmpError, reason: DropReason, isJudged = false) =>
    complain(world, sent, { kind, reason, from, isJudged, ...sizeOf(kind, outside) }, nowMs);
  if (!outside.snat || (world.isBarred?.(packet.destination) ?? true))
    return refused("prohibited", "notOutside");
  if (!carriedOutside.includes(packet.protocol)) return refused("noProtocol", "notOutside");
  const exit = outside.exits.get(port.node ?? "");
  if (exit === undefined) return refused("noRoute", "noExit");
  // Putting fragments together is work that only slirp would do, with what guests give it.
  if (packet.fragment !== null) return drop("fragment");
  const refusal = refusalOf(world.memory, { from: port, to: exit, packet, carried }, nowMs);
  if (refusal !== undefined) return refusal;
  const link = { sourceMac: exitAddress.routerMac, destinationMac: exitAddress.mac, hops };
  const frames = forwarded(frame.bytes, packet, { ...link, mtuBytes: outside.mtuBytes });
  // What would have to be divided is too large as well.
  return frames?.length === 1
    ? { kind: "deliver", to: exit.portId, frames }
    : refused("tooLarge", "tooLarge", true);
}

const sizeOf = (kind: IcmpError, { mtuBytes }: Outside) => (kind === "tooLarge" ? { mtuBytes } : {});

interface Exit {
  readonly exit: PlannedPort;
  readonly router: PlannedRouter;
}

/** A frame of the process. It asks who has the addresses of guests: the router has all of them. */
export function fromOutside(world: World, { exit, router }: Exit, bytes: Buffer, nowMs: number): Outcome {
  const frame = readFrame(bytes);
  if (frame === undefined) return drop("malformed");
  if (frame.etherType !== etherTypes.arp) return comeIn(world, { exit, router }, frame, nowMs);
  const arp = readArp(frame);
  if (arp?.request !== true || !isRoutable(arp.targetAddress)) return drop("unknownAddress");
  return { kind: "answer", frame: writeArpAnswer(arp, exitAddress.routerMac) };
}

function comeIn(world: World, { exit, router }: Exit, frame: Frame, nowMs: number): Outcome {
  const read = readPacket(frame);
  if (typeof read === "string") return drop(read);
  const { packet, carried } = read;
  if (packet.version !== 4) return drop("unrouted");
  const isError = carried !== undefined && isNotice(carried);
  if (!isRoutable(packet.destination) || (!isError && !isRoutable(packet.source))) return drop("unrouted");
  if (!hasRightHeader(frame.bytes, packet)) return drop("malformed");
  const way = wayFrom(router, packet.destination);
  if (way.kind !== "port" || way.port.host !== undefined || way.port.node !== exit.node)
    return drop("notHere");
  const refusal = refusalOf(world.memory, { from: exit, to: way.port, ...read }, nowMs);
  if (refusal !== undefined) return refusal;
  const hops = way.entries.length + 1;
  if (timeToLiveOf(frame.bytes, packet) <= hops) return drop("expired");
  // slirp says errors in a name that is its own, or nobody's.
  const said = isError ? withSource(frame.bytes, packet, way.gate.address) : frame.bytes;
  const { gate, mac: destinationMac, port } = way;
  const link = { sourceMac: gate.mac, destinationMac, mtuBytes: gate.network.mtuBytes, hops };
  const frames = forwarded(said, packet, link);
  return frames === undefined ? drop("tooLarge") : { kind: "deliver", to: port.portId, frames };
}
