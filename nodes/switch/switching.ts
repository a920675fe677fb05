/**
 * What becomes of a frame that a guest has sent: it goes to one port of the same network, or the switch
 * answers it, or it is dropped, for a reason that people can read. Nothing goes to more than one port: who
 * has which address is known from the picture, so nobody has to ask everybody.
 */

import { dhcpAnswer, serviceDigits, serviceMac } from "./dhcp-frames.ts";
import { forgedArp, forgedMac, forgedPacket, isDhcpQuestion, type Spoof } from "./filter/anti-spoofing.ts";
import { type Denial, type FlowMemory, judge } from "./filter/judge.ts";
import { readArp, writeArpAnswer } from "./frames/arp.ts";
import { ethernetBytes, etherTypes, type Frame, isGroupMac, readFrame } from "./frames/ethernet.ts";
import { type Carried, protocols, readFlow } from "./frames/flow.ts";
import { type IpPacket, readIp } from "./frames/ip.ts";
import { isDiscovery, readQuestion, writeNeighbour } from "./frames/neighbour.ts";
import type { Plan, PlannedNetwork, PlannedPort } from "./plan.ts";

type DropReason =
  | Denial
  | "closed"
  | "malformed"
  | "tooLarge"
  | Spoof
  | "etherType"
  | "discovery"
  | "dhcp"
  | "unknownAddress"
  | "broadcast"
  | "unknownMac"
  /** Of another host: it is of a network that has no port here, or of a port that is not on that host. */
  | "unknownNetwork"
  | "unknownSender"
  | "notHere"
  /** A fault of ours. */
  | "fault";

export type Outcome =
  | { readonly kind: "deliver"; readonly to: string }
  /** Goes back to the sender. */
  | { readonly kind: "answer"; readonly frame: Buffer }
  /** The guest asks for metadata. */
  | { readonly kind: "serve"; readonly frame: Frame; readonly packet: IpPacket; readonly mtuBytes: number }
  | { readonly kind: "drop"; readonly reason: DropReason; readonly to?: string };

const drop = (reason: DropReason): Outcome => ({ kind: "drop", reason });

/** 802.1Q's tag, which a port without filter may send. */
const tagBytes = 4;

export interface World {
  readonly plan: Plan;
  readonly memory: FlowMemory;
}

/** `bytes` may be anything. */
export function switchFrame(world: World, portId: string, bytes: Buffer, nowMs: number): Outcome {
  const port = world.plan.get(portId);
  // A port that is on another host by now has sent it, and passes for nobody.
  if (port === undefined || port.host !== undefined) return drop("closed");
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
  const port = network.byMac.get(readFrame(bytes)?.source ?? "");
  if (port?.host !== sender.host) return drop("unknownSender");
  const outcome = take(world, port, bytes, nowMs);
  if (outcome.kind === "drop") return outcome;
  const isNear = outcome.kind === "deliver" && world.plan.get(outcome.to)?.host === undefined;
  return isNear ? outcome : drop("notHere");
}

export interface FarWorld extends World {
  /** By number. */
  readonly networks: ReadonlyMap<number, PlannedNetwork>;
}

function take(world: World, port: PlannedPort, bytes: Buffer, nowMs: number): Outcome {
  const frame = readFrame(bytes);
  if (frame === undefined) return drop("malformed");
  const { isFiltered, network } = port;
  if (bytes.length > network.mtuBytes + ethernetBytes + (isFiltered ? 0 : tagBytes)) return drop("tooLarge");
  const forged = isFiltered ? forgedMac(port, frame) : undefined;
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
  const packet = readIp(frame);
  if (packet === undefined) return takeOther(port, frame, "malformed");
  const isFirst = (packet.fragment?.offsetBytes ?? 0) === 0;
  const carried = isFirst ? readFlow(frame.bytes, packet) : undefined;
  if (isFirst && carried === undefined) return takeOther(port, frame, "malformed");
  if (overwritesHeader(packet)) return takeOther(port, frame, "fragment");
  const forged = port.isFiltered ? forgedPacket(port, frame, packet, carried) : undefined;
  if (forged !== undefined) return drop(forged);
  if (carried !== undefined && isDhcpQuestion(carried)) return takeDhcp(port, frame, packet);
  if (carried !== undefined && isForMetadata(carried)) return takeMetadata(port, frame, packet);
  if (packet.version === 6 && isDiscovery(carried?.icmp?.type ?? 0))
    return takeDiscovery(port, frame, packet);
  return pass(world, { port, frame, packet, carried }, nowMs);
}

/** Bytes that the first fragment was judged by, of those whose header is longer than any fragment's step. */
const judgedBytes = new Map<number, number>([
  [protocols.tcp, 24],
  [protocols.sctp, 16],
]);

/** A fragment that replaces a part of the header that was judged with the first (RFC 3128). */
const overwritesHeader = ({ protocol, fragment }: IpPacket): boolean =>
  fragment !== null && fragment.offsetBytes > 0 && fragment.offsetBytes < (judgedBytes.get(protocol) ?? 8);

function takeDhcp(port: PlannedPort, frame: Frame, packet: IpPacket): Outcome {
  const answer = dhcpAnswer(port, frame, packet);
  return answer === undefined ? drop("dhcp") : { kind: "answer", frame: answer };
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

/** As with ARP. What routers say is dropped before; what guests ask routers is answered by nobody yet. */
function takeDiscovery(port: PlannedPort, frame: Frame, packet: IpPacket): Outcome {
  const question = readQuestion(frame.bytes, packet);
  if (question === undefined) return takeOther(port, frame, "discovery");
  const mac = macOf(port, question.target);
  if (mac === undefined) return drop("unknownAddress");
  return { kind: "answer", frame: writeNeighbour(question, mac, frame) };
}

interface Answered {
  readonly port: PlannedPort;
  readonly found: PlannedPort;
  readonly carried: Carried | undefined;
}

/** Of the gateways with one MAC the one that has called. */
function callerOf(
  { connections }: FlowMemory,
  { port, found, carried }: Answered,
  nowMs: number,
): PlannedPort {
  if (carried === undefined) return found;
  const { number, gateways } = port.network;
  const hasCalled = ({ portId }: PlannedPort) =>
    connections.find({ network: number, from: port.portId, to: portId }, carried.flow, nowMs)?.back === true;
  return gateways.find((one) => one.mac === found.mac && hasCalled(one)) ?? found;
}

interface Sent {
  readonly port: PlannedPort;
  readonly frame: Frame;
  readonly packet: IpPacket;
  readonly carried: Carried | undefined;
}

function pass({ memory }: World, { port, frame, packet, carried }: Sent, nowMs: number): Outcome {
  const found = receiverOf(port, frame);
  if (typeof found === "string") return drop(found);
  const to = found.forwards === undefined ? found : callerOf(memory, { port, found, carried }, nowMs);
  const reason = judge(memory, { from: port, to, packet, carried }, nowMs);
  if (reason === undefined) return { kind: "deliver", to: to.portId };
  return reason === "ingressRule" ? { kind: "drop", reason, to: to.portId } : drop(reason);
}
