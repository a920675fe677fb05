/**
 * What becomes of a packet that a guest sends to a router. It is routed where it is sent, and once: other
 * hosts deliver it to its port and route it no further. The sender's rules judge it first, then those of who
 * gets it. It must never leave the networks of the router, but by a way out. Pure.
 */
import { hasCalled, mayLeave } from "../filter/judge.ts";
import { readPacket } from "../filter/read-packet.ts";
import { ethernetBytes, readFrame } from "../frames/ethernet.ts";
import { protocols } from "../frames/flow.ts";
import { forwarded, hasRightHeader, timeToLiveOf } from "../frames/forward.ts";
import { echoRequest, type IcmpError, writeEchoAnswer } from "../frames/icmp.ts";
import { drop, type Outcome, refusalOf, type Sent, type World } from "../outcome.ts";
import type { Gate } from "../planned.ts";
import { type Complaint, complain } from "./complain.ts";
import { isOfOne, isRoutable } from "./exit.ts";
import { leave } from "./outside.ts";
import { type WayToPort, wayFrom } from "./way.ts";

/** `gate`: the interface that was sent the frame. */
export function routeFrame(world: World, gate: Gate, sent: Sent, nowMs: number): Outcome {
  const { port, frame, packet } = sent;
  if (!isRoutable(packet.source) || port.forwards !== undefined) return drop("unrouted");
  if (!hasRightHeader(frame.bytes, packet)) return drop("malformed");
  if (!isRoutable(packet.destination)) {
    const complaint = { kind: "prohibited", reason: "unrouted", from: gate, isJudged: false } as const;
    return isOfOne(packet.destination) ? complain(world, sent, complaint, nowMs) : drop("unrouted");
  }
  const way = wayFrom(gate.router, packet.destination);
  const entries = [gate, ...way.entries];
  const last = entries.at(-1) ?? gate;
  // The last router sends on what is not for itself.
  const hops = way.kind === "port" || way.kind === "outside" ? entries.length : entries.length - 1;
  const timeToLive = timeToLiveOf(frame.bytes, packet);
  const refused = (kind: IcmpError & Complaint["reason"], from: Gate) =>
    complain(world, sent, { kind, reason: kind, from, isJudged: false }, nowMs);
  if (timeToLive <= hops) return refused("expired", entries[Math.max(timeToLive - 1, 0)] ?? gate);
  switch (way.kind) {
    case "own":
      return toRouter(world, sent, last, nowMs);
    case "none":
      return refused(way.why, last);
    case "outside":
      return leave(world, sent, { outside: way.outside, from: last, hops }, nowMs);
    case "port":
      return way.port === port
        ? refused("noHost", last)
        : toPort(world, sent, { ...way, from: last, hops }, nowMs);
  }
}

interface Passing extends WayToPort {
  /** Of the last router: where it was sent the packet. */
  readonly from: Gate;
  readonly hops: number;
}

function toPort(world: World, sent: Sent, way: Passing, nowMs: number): Outcome {
  const [{ port, frame, packet, carried }, { gate, port: to, mac, hops, from }] = [sent, way];
  const refusal = refusalOf(world.memory, { from: port, to, packet, carried }, nowMs);
  if (refusal !== undefined) return refusal;
  const { mtuBytes } = gate.network;
  const frames = forwarded(frame.bytes, packet, { sourceMac: gate.mac, destinationMac: mac, mtuBytes, hops });
  if (frames !== undefined) return { kind: "deliver", to: to.portId, frames };
  return complain(
    world,
    sent,
    { kind: "tooLarge", reason: "tooLarge", from, mtuBytes, isJudged: true },
    nowMs,
  );
}

/** A router answers an echo, and nothing else; but a published port's caller may have its address (0058). */
function toRouter(world: World, sent: Sent, from: Gate, nowMs: number): Outcome {
  const { port, frame, packet, carried } = sent;
  const { memory } = world;
  if (carried === undefined) return drop("unrouted");
  const to = port.network.gateways.find((caller) => hasCalled(memory, { port, caller, carried }, nowMs));
  if (to !== undefined) {
    const link = {
      sourceMac: frame.source,
      destinationMac: to.mac,
      mtuBytes: port.network.mtuBytes,
      hops: 0,
    };
    const frames = forwarded(frame.bytes, packet, link) ?? [];
    const refusal = refusalOf(memory, { from: port, to, packet, carried }, nowMs);
    return refusal ?? { kind: "deliver", to: to.portId, frames };
  }
  const { flow, icmp } = carried;
  if (icmp?.type === echoRequest[flow.version] && packet.fragment === null)
    return mayLeave(port, carried)
      ? { kind: "answer", frame: writeEchoAnswer(frame, packet) }
      : drop("egressRule");
  const hasPorts = flow.protocol === protocols.tcp || flow.protocol === protocols.udp;
  if (!hasPorts) return drop("unrouted");
  return complain(world, sent, { kind: "noPort", reason: "noPort", from, isJudged: false }, nowMs);
}

/**
 * A frame that another host has routed: its sender is the port to which the way back leads, which must be on
 * that host; and it goes to a port of this one. So a host speaks for its own ports, as it does without a
 * router, and connections have the same two ends in both directions.
 */
export function routeFarFrame(
  { memory }: World,
  { gate, host }: { readonly gate: Gate; readonly host: string },
  bytes: Buffer,
  nowMs: number,
): Outcome {
  const frame = readFrame(bytes);
  if (frame === undefined) return drop("malformed");
  if (bytes.length > gate.network.mtuBytes + ethernetBytes) return drop("tooLarge");
  const read = readPacket(frame);
  if (typeof read === "string") return drop(read);
  const { source, destination } = read.packet;
  if (!isRoutable(source) || !isRoutable(destination)) return drop("unrouted");
  const back = wayFrom(gate.router, source);
  if (back.kind !== "port" || back.port.host !== host) return drop("unknownSender");
  const to = gate.network.byMac.get(frame.destination);
  if (to === undefined) return drop("unknownMac");
  if (to.host !== undefined || to.forwards !== undefined) return drop("notHere");
  const refusal = refusalOf(memory, { from: back.port, to, ...read }, nowMs);
  return refusal ?? { kind: "deliver", to: to.portId };
}
