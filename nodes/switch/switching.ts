/**
 * What becomes of a frame that a guest has sent: it goes to one port of the same network, or the switch
 * answers it, or it is dropped, for a reason that people can read. Nothing goes to more than one port: who
 * has which address is known from the picture, so nobody has to ask everybody.
 */

import { dhcpAnswer, serviceDigits, serviceMac } from "./dhcp-frames.ts";
import { dhcp6Answer, solicitedAnswer } from "./dhcp6-frames.ts";
import {
  forgedArp,
  forgedMac,
  forgedPacket,
  isDhcp6Question,
  isDhcpQuestion,
} from "./filter/anti-spoofing.ts";
import { type FlowMemory, hasCalled } from "./filter/judge.ts";
import { readPacket } from "./filter/read-packet.ts";
import { readArp, writeArpAnswer } from "./frames/arp.ts";
import { ethernetBytes, etherTypes, type Frame, isGroupMac, readFrame } from "./frames/ethernet.ts";
import { type Carried, protocols } from "./frames/flow.ts";
import type { IpPacket } from "./frames/ip.ts";
import { isDiscovery, readQuestion, solicitation, writeNeighbour } from "./frames/neighbour.ts";
import {
  type DropReason,
  drop,
  type FarWorld,
  type Outcome,
  refusalOf,
  type Sent,
  type World,
} from "./outcome.ts";
import type { Gate, PlannedPort } from "./planned.ts";
import { fromOutside } from "./routing/outside.ts";
import { routeFarFrame, routeFrame } from "./routing/route.ts";

/** 802.1Q's tag, which a port without filter may send. */
const tagBytes = 4;

/** `bytes` may be anything. */
export function switchFrame(world: World, portId: string, bytes: Buffer, nowMs: number): Outcome {
  const port = world.plan.get(portId);
  // A port that is on another host by now has sent it, and passes for nobody.
  if (port === undefined || port.host !== undefined) return drop("closed");
  if (port.leadsOut !== undefined)
    return fromOutside(world, { exit: port, router: port.leadsOut }, bytes, nowMs);
  return take(world, port, bytes, nowMs);
}

export interface Sender {
  /** Number of the frame's network. */
  readonly number: number;
  /** Address of the other host. */
  readonly host: string;
}

/**
 * A frame of another host, whose own rules have let it go. It may come from a port of that host only, and go
 * to ports of this one only: no frame goes round between hosts that know different pictures.
 */
export function switchFarFrame(world: FarWorld, sender: Sender, bytes: Buffer, nowMs: number): Outcome {
  const network = world.networks.get(sender.number);
  if (network === undefined) return drop("unknownNetwork");
  const source = readFrame(bytes)?.source ?? "";
  const gate = network.gates.get(source);
  if (gate !== undefined) return routeFarFrame(world, { gate, host: sender.host }, bytes, nowMs);
  const port = network.byMac.get(source);
  if (port?.host !== sender.host) return drop("unknownSender");
  const outcome = take(world, port, bytes, nowMs);
  if (outcome.kind === "drop") return outcome;
  const isNear = outcome.kind === "deliver" && world.plan.get(outcome.to)?.host === undefined;
  return isNear ? outcome : drop("notHere");
}

function take(world: World, port: PlannedPort, bytes: Buffer, nowMs: number): Outcome {
  const frame = readFrame(bytes);
  if (frame === undefined) return drop("malformed");
  const { isFiltered, network } = port;
  if (bytes.length > network.mtuBytes + ethernetBytes + (isFiltered ? 0 : tagBytes)) return drop("tooLarge");
  const forged = forgedMac(port, frame);
  if (forged !== undefined) return drop(forged);
  if (frame.etherType === etherTypes.arp) return takeArp(port, frame);
  const isIp = frame.etherType === etherTypes.ipv4 || frame.etherType === etherTypes.ipv6;
  return isIp ? takeIp(world, port, frame, nowMs) : takeOther(port, frame, "etherType");
}

/** What no filter can judge passes between ports without one. */
function takeOther(port: PlannedPort, frame: Frame, reason: DropReason): Outcome {
  const to = receiverOf(port, frame);
  if (port.isFiltered) return drop(reason);
  if (typeof to === "string") return drop(to);
  return to.isFiltered ? drop(reason) : { kind: "deliver", to: to.portId };
}

function receiverOf(port: PlannedPort, { destination }: Frame): PlannedPort | "broadcast" | "unknownMac" {
  if (isGroupMac(destination)) return "broadcast";
  const to = port.network.byMac.get(destination);
  return to === undefined || to === port ? "unknownMac" : to;
}

/** Questions are answered here, whoever is asked; answers of guests are asked for by nobody. */
function takeArp(port: PlannedPort, frame: Frame): Outcome {
  const arp = readArp(frame);
  if (arp === undefined) return takeOther(port, frame, "malformed");
  const forged = port.isFiltered ? forgedArp(port, frame, arp) : undefined;
  if (forged !== undefined) return drop(forged);
  if (!arp.request) return takeOther(port, frame, "discovery");
  const mac = arp.targetAddress === serviceDigits ? serviceMac : macOf(port, arp.targetAddress);
  return mac === undefined ? drop("unknownAddress") : { kind: "answer", frame: writeArpAnswer(arp, mac) };
}

/** Undefined: nobody else of the network has the address. */
function macOf(port: PlannedPort, address: string): string | undefined {
  const mac = port.network.byAddress.get(address);
  return mac === undefined || port.network.byMac.get(mac) === port ? undefined : mac;
}

function takeIp(world: World, port: PlannedPort, frame: Frame, nowMs: number): Outcome {
  const read = readPacket(frame);
  if (typeof read === "string") return takeOther(port, frame, read);
  const { packet, carried } = read;
  const forged = port.isFiltered ? forgedPacket(port, frame, packet, carried) : undefined;
  if (forged !== undefined) return drop(forged);
  if (carried !== undefined && isDhcpQuestion(carried)) return answered(dhcpAnswer(port, frame, packet));
  if (carried !== undefined && isDhcp6Question(carried)) return answered(dhcp6Answer(port, frame, packet));
  if (carried !== undefined && isForMetadata(carried)) return takeMetadata(port, frame, packet);
  const type = packet.version === 6 ? (carried?.icmp?.type ?? 0) : 0;
  if (type === solicitation) return takeSolicitation(port, frame, packet);
  if (isDiscovery(type)) return takeDiscovery(port, frame, packet);
  return pass(world, { port, frame, packet, carried }, nowMs);
}

/** By DHCP. */
const answered = (frame: Buffer | undefined): Outcome =>
  frame === undefined ? drop("dhcp") : { kind: "answer", frame };

/** The host answers for all routers of ours; routers of others are asked by ports without filter. */
function takeSolicitation(port: PlannedPort, frame: Frame, packet: IpPacket): Outcome {
  const answer = solicitedAnswer(port, frame, packet);
  return answer === undefined ? takeOther(port, frame, "discovery") : { kind: "answer", frame: answer };
}

const metadataPort = 80;

const isForMetadata = ({ flow }: Carried): boolean =>
  flow.protocol === protocols.tcp &&
  flow.destination === serviceDigits &&
  flow.destinationPort === metadataPort;

/** A gateway is no guest. */
function takeMetadata({ network, forwards }: PlannedPort, frame: Frame, packet: IpPacket): Outcome {
  if (packet.fragment !== null) return drop("fragment");
  if (forwards !== undefined || isGroupMac(frame.destination)) return drop("unknownAddress");
  return { kind: "serve", frame, packet, mtuBytes: network.mtuBytes };
}

/** As with ARP. What routers say is dropped before. */
function takeDiscovery(port: PlannedPort, frame: Frame, packet: IpPacket): Outcome {
  const question = readQuestion(frame.bytes, packet);
  if (question === undefined) return takeOther(port, frame, "discovery");
  const mac = macOf(port, question.target);
  if (mac === undefined) return drop("unknownAddress");
  const holder = { mac, isRouter: port.network.gates.has(mac) };
  return { kind: "answer", frame: writeNeighbour(question, holder, frame) };
}

/** Of the gateways with one MAC the one that has called. */
function callerOf(
  memory: FlowMemory,
  { port, carried }: Pick<Sent, "port" | "carried">,
  found: PlannedPort,
  nowMs: number,
): PlannedPort {
  if (carried === undefined) return found;
  const callers = port.network.gateways.filter(({ mac }) => mac === found.mac);
  return callers.find((caller) => hasCalled(memory, { port, caller, carried }, nowMs)) ?? found;
}

/**
 * A guest that a gateway called before the subnet had a router knows the gateway's MAC as the router's:
 * packets for other networks go to the router all the same.
 */
function behindGateway(
  { network }: PlannedPort,
  found: PlannedPort | string,
  { destination }: IpPacket,
): Gate | undefined {
  if (typeof found === "string" || !network.gateways.includes(found)) return undefined;
  const own = found.sources.get(found.mac);
  if (own === undefined || own.has(destination)) return undefined;
  return [...network.gatesByAddress].find(([address]) => own.has(address))?.[1];
}

function pass(world: World, sent: Sent, nowMs: number): Outcome {
  const { memory } = world;
  const { port, frame, packet, carried } = sent;
  const found = receiverOf(port, frame);
  const gate =
    found === "unknownMac" ? port.network.gates.get(frame.destination) : behindGateway(port, found, packet);
  // What another host has not routed is routed by nobody.
  if (gate !== undefined)
    return port.host === undefined ? routeFrame(world, gate, sent, nowMs) : drop("notHere");
  if (typeof found === "string") return drop(found);
  const to = found.forwards === undefined ? found : callerOf(memory, sent, found, nowMs);
  const refusal = refusalOf(memory, { from: port, to, packet, carried }, nowMs);
  return refusal ?? { kind: "deliver", to: to.portId };
}
