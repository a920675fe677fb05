/**
 * What a host is told of the networks that its guests are on: enough to carry their packets, to filter them,
 * and to answer what guests ask. It is a picture of one moment, always whole; a host compares what it has
 * with it. A host is told of no network on which none of its guests is. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Cidr, IpAddress, MacAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { reportLimits } from "./limits/report.ts";
import { HostRoute, PhysicalNetwork } from "./network.ts";
import { HostWord } from "./offered.ts";
import { AddressPair, Bandwidth } from "./port.ts";
import { PublicationPicture } from "./published-port.ts";
import { ruleFields } from "./security-group.ts";
import { answer, Count, growing, Id, nullable, request } from "./wire/schema.ts";

const SubnetPicture = answer({
  id: Id,
  cidr: Cidr,
  /** Null: guests are told of no router. */
  gateway: nullable(IpAddress),
  dnsServers: Type.Array(IpAddress),
  hostRoutes: Type.Array(HostRoute),
  /**
   * Whether guests are told their addresses by DHCP. Of IPv6 also where everything else goes, in
   * advertisements of the router that has the gateway's address; no other router is spoken for.
   */
  dhcp: Type.Boolean(),
});
export type SubnetPicture = Static<typeof SubnetPicture>;

/** A port of a guest of the host. */
export const PortPicture = answer({
  id: Id,
  instanceId: Id,
  mac: MacAddress,
  addresses: Type.Array(answer({ subnetId: Id, address: IpAddress })),
  /** False: whatever the port sends and receives passes; groups and pairs say nothing. */
  portSecurity: Type.Boolean(),
  /** What it may send from besides its own addresses; a MAC of null is its own. */
  addressPairs: Type.Array(AddressPair),
  /** Without a group, nothing passes. */
  groupIds: Type.Array(Id),
  /** Absent: neither direction has a limit. */
  bandwidth: Type.Optional(Bandwidth),
  /** Published ports of the guest, which groups have no say in. Absent: none. */
  published: Type.Optional(Type.Array(PublicationPicture)),
});
export type PortPicture = Static<typeof PortPicture>;

/** A network, and the ports of the host's guests on it; without one, it is behind a router of theirs. */
export const NetworkPicture = answer({
  id: Id,
  /** The VXLAN network identifier. */
  number: Count,
  mtuBytes: Count,
  /** The operator's network that it is. Absent: it is carried between hosts under its number. */
  physicalNetwork: Type.Optional(PhysicalNetwork),
  subnets: Type.Array(SubnetPicture),
  ports: Type.Array(PortPicture),
});
export type NetworkPicture = Static<typeof NetworkPicture>;

const RulePicture = answer(ruleFields);
export type RulePicture = Static<typeof RulePicture>;

/** A security group that a port of the host has, or that a rule of such a group names as the other end. */
export const GroupPicture = answer({
  id: Id,
  rules: Type.Array(RulePicture),
  /** Addresses and address pairs of all its ports in the cell; empty where no rule here names the group. */
  members: Type.Array(Cidr),
});
export type GroupPicture = Static<typeof GroupPicture>;

/**
 * Ports of one of these networks that are on one other host: frames for them go to that host. Only hosts with
 * an underlay, apart from the host's own, are said.
 */
export const FarPicture = answer({
  networkId: Id,
  /** The address of the underlay at which the other host is. */
  host: IpAddress,
  ports: Type.Array(
    answer({
      id: Id,
      mac: MacAddress,
      addresses: Type.Array(IpAddress),
      addressPairs: Type.Array(AddressPair),
    }),
  ),
});
export type FarPicture = Static<typeof FarPicture>;

/**
 * A router, as each host has it that has a guest on a network of the router's, or on one that these lead to:
 * it routes what its own guests send, and has everywhere the same addresses.
 */
export const RouterPicture = answer({
  id: Id,
  interfaces: Type.Array(
    answer({ portId: Id, networkId: Id, mac: MacAddress, subnetId: Id, address: IpAddress }),
  ),
  routes: Type.Array(HostRoute),
  /** Where it leads what no other route is for; null: nowhere. */
  outside: nullable(
    answer({
      networkId: Id,
      physicalNetwork: PhysicalNetwork,
      mtuBytes: Count,
      /** Ranges of the external network, and who leads on from there. */
      subnets: Type.Array(answer({ cidr: Cidr, gateway: nullable(IpAddress) })),
      /** Whether guests without a floating address are seen with one of their host. */
      snat: Type.Boolean(),
    }),
  ),
  /** Floating addresses at which guests of the host answer. */
  floating: Type.Array(answer({ id: Id, address: IpAddress, portId: Id, target: IpAddress })),
});
export type RouterPicture = Static<typeof RouterPicture>;

/** Everything of one moment. */
export interface HostNetworking {
  /** Number of the newest event of that moment: a higher one is later. */
  readonly version: number;
  readonly networks: readonly NetworkPicture[];
  readonly groups: readonly GroupPicture[];
  /** One for each network and other host. Absent: there is none. */
  readonly far?: readonly FarPicture[] | undefined;
  /** Absent: there is none. */
  readonly routers?: readonly RouterPicture[] | undefined;
}

export const HostNetworkingRequest = request({
  /** Hashes of the parts that the host has: their content is not said again. */
  have: Type.Array(HostWord, { maxItems: networkLimits.pictureHashesMax }),
});

/** A part of the picture, and the hash of its content; null: the host has said that it has this hash. */
const part = <
  T extends typeof NetworkPicture | typeof GroupPicture | typeof FarPicture | typeof RouterPicture,
>(
  picture: T,
) => answer({ hash: Type.String(), picture: nullable(picture) });

export const HostNetworkingAnswer = answer({
  version: Count,
  networks: Type.Array(part(NetworkPicture)),
  groups: Type.Array(part(GroupPicture)),
  /** Absent: there is none, or the controller is of before. */
  far: Type.Optional(Type.Array(part(FarPicture))),
  /** Absent: there is none, or the controller is of before. */
  routers: Type.Optional(Type.Array(part(RouterPicture))),
});
export type HostNetworkingAnswer = Static<typeof HostNetworkingAnswer>;

/** A part of the picture that a host could not carry out, beside all others: nothing passes that part. */
export const NetworkFailure = answer({
  /**
   * `tunnel`: a network's way to other hosts. `outside`: a way to a network of the operator's. `device`: what
   * the running guest of the port has open is gone from the host, and comes back only when the guest starts.
   * `responder`: the way into a network by which IPv6 tells guests their addresses and their router.
   */
  of: growing(["port", "network", "tunnel", "router", "outside", "device", "responder"], "network"),
  /** Of an `outside` the name of the operator's network, of a `device` the port's id, else its own. */
  id: Type.String({ maxLength: reportLimits.observedTextLengthMax }),
  why: Type.String({ maxLength: reportLimits.observedTextLengthMax }),
});
export type NetworkFailure = Static<typeof NetworkFailure>;

/** What of it a host has applied. */
export const NetworkingAudit = answer({
  /** Number of the newest event that the applied picture knows; null: the agent has applied none yet. */
  version: nullable(Count),
  /** Hashes of the applied parts. */
  parts: Type.Array(Type.String(), { maxItems: networkLimits.pictureHashesMax }),
  /** Time since the last round in which nothing failed; null: there was none in this life of the agent. */
  lookedAgoMs: nullable(Count),
  /** Why the host's network stays as it is; null: it does not. */
  failure: nullable(Type.String({ maxLength: reportLimits.observedTextLengthMax })),
  /** The first parts of the applied picture that failed. Absent: the agent is of before. */
  failed: Type.Optional(Type.Array(NetworkFailure, { maxItems: networkLimits.failuresToldMax })),
  /** How many parts failed. Absent: the agent is of before. */
  failedCount: Type.Optional(Count),
  /** Why guests are not answered what they ask their host; null: they are. Absent: the agent is of before. */
  unanswered: Type.Optional(nullable(Type.String({ maxLength: reportLimits.observedTextLengthMax }))),
  /** The first published ports at which nobody answers. Absent: the agent is of before. */
  unpublished: Type.Optional(
    Type.Array(answer({ id: Id, why: Type.String({ maxLength: reportLimits.observedTextLengthMax }) }), {
      maxItems: networkLimits.unpublishedToldMax,
    }),
  ),
});
export type NetworkingAudit = Static<typeof NetworkingAudit>;

/** The same for operators: what does not work of a host's network at this moment. */
export const HostNetworkState = answer({
  failure: nullable(Type.String()),
  failed: Type.Array(NetworkFailure, { maxItems: networkLimits.failuresToldMax }),
  failedCount: Count,
  unanswered: nullable(Type.String()),
});
export type HostNetworkState = Static<typeof HostNetworkState>;
