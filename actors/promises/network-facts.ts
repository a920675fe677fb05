/**
 * Facts of networks: what hosts have and let pass, and what becomes of the packets of guests. Only the
 * simulator tells them. Types only.
 */
import type { HostNetworking } from "../../protocol/networking.ts";

/** A host has a port for an instance from now on, or has it no more. Simulator only. */
export interface PortHeld {
  readonly kind: "portHeld" | "portLetGo";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly portId: string;
}

/** From now on a host lets pass what this picture allows. Simulator only. */
export interface Applied {
  readonly kind: "applied";
  readonly atMs: number;
  readonly hostId: string;
  readonly networking: HostNetworking;
}

/** With its power a host has lost what it had applied. Simulator only. */
export interface PictureLost {
  readonly kind: "pictureLost";
  readonly atMs: number;
  readonly hostId: string;
}

export interface PacketFlow {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** How a packet leaves its network. `gate`: MAC of the router's interface that gets it from the guest. */
export type PacketWay =
  | { readonly kind: "routed"; readonly gate: string }
  /** `seen`: the address with which its guest is seen outside; null: with one of the host. */
  | { readonly kind: "leaves"; readonly gate: string; readonly seen: string | null }
  /** `address`: the floating address that somebody outside calls; null: the host's, which is answered. */
  | { readonly kind: "comes"; readonly routerId: string; readonly address: string | null };

/**
 * A guest, or somebody outside, has sent a packet of UDP to a port or outside, or a guest something that it
 * must not send. The switches of both computers have decided by the pictures that their hosts have
 * applied. Simulator only.
 */
export interface PacketFact {
  readonly kind: "packet";
  readonly atMs: number;
  /** Ids of ports, or `outside` (packets.ts). */
  readonly from: string;
  readonly to: string;
  /** Absent: both ends are on one network. */
  readonly way?: PacketWay;
  readonly flow: PacketFlow;
  /** The forged part, `arp` by IPv6 a word of neighbours; null: the packet is honest. */
  readonly forged: "mac" | "address" | "arp" | "dhcpServer" | "router" | "vlan" | null;
  /** It answers a packet that has just been delivered. */
  readonly isAnswer: boolean;
  /** Nothing moves any more. */
  readonly isLast: boolean;
  readonly delivered: boolean;
  /** Versions of the pictures that both hosts have applied; 0: none. */
  readonly versions: readonly number[];
  /** Both computers reach each other at all; of a call that nobody answers, its guest runs. */
  readonly reach: boolean;
  /** First packet of the connection to which it belongs. Absent: no connection is known. */
  readonly connection?: Pick<PacketFact, "from" | "to" | "flow">;
  /** Whether each computer that let it pass has applied a picture with that port of the guest. */
  readonly ruled: boolean;
  /** The guest that it is for runs. */
  readonly heard: boolean;
}

export type NetworkFact = PortHeld | Applied | PictureLost | PacketFact;
