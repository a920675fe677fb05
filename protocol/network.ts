/**
 * Networks and their subnets: what ports are on, and where their addresses come from. A network is one
 * Ethernet segment; it is carried between hosts under its number.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Cidr, IpAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { PassageAnswer, PassageRequest } from "./passage.ts";
import { changed, kept, made, resource } from "./wire/resource.ts";
import { answer, given, Id, Label, Name, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const MtuBytes = Type.Integer({ minimum: networkLimits.mtuBytesMin, maximum: networkLimits.mtuBytesMax });

/** A word of the operator's. */
export const PhysicalNetwork = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: "^[A-Za-z0-9_-]+$",
  examples: ["public"],
});

export const network = resource({
  noun: "network",
  one: "network",
  many: "networks",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  /** The VXLAN network identifier. */
  numbered: true,
  fields: {
    mtuBytes: MtuBytes,
    /** Every project may have ports on it. Operators only. */
    shared: Type.Boolean(),
    /** It leads outside: gateways of routers and floating addresses are on it. Operators only. */
    external: Type.Boolean(),
    /**
     * The operator's network that it is, as the nodes' configuration calls it; null: hosts carry it between
     * them under its number. Operators only.
     */
    physicalNetwork: nullable(PhysicalNetwork),
  },
  joined: { subnetIds: Type.Array(Id) },
  sharedBy: ["shared", "external"],
  limit: { most: networkLimits.networksPerProjectMax, of: "project" },
});

export const Network = network.shape;
export type Network = Static<typeof Network>;

const settings = {
  mtuBytes: Type.Optional(MtuBytes),
  shared: Type.Optional(Type.Boolean()),
  external: Type.Optional(Type.Boolean()),
};

export const networkService = service({
  noun: "network",
  version: "1.0.0",
  summary: "Ethernet segments on which guests reach each other.",
  methods: {
    create: made(
      network,
      {
        ...settings,
        /** Absent: null. It is for ever. */
        physicalNetwork: Type.Optional(nullable(PhysicalNetwork)),
      },
      "Makes a network without subnets.",
    ),
    ...kept(network, {
      get: "Shows one network with its subnets, by id or by a name that only one has.",
      delete: "Removes a network and its subnets; no port may be on it.",
    }),
    set: changed(
      network,
      { name: Type.Optional(given(Name)), ...settings },
      "Renames a network, or changes its MTU or who may use it.",
    ),
    explain: method({
      request: PassageRequest,
      answer: PassageAnswer,
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Says what lets one instance reach another, or what stops it.",
    }),
  },
});

const PoolShown = answer({ first: IpAddress, last: IpAddress });
const PoolAsked = request({ first: IpAddress, last: IpAddress });
export const HostRoute = answer({ destination: Cidr, nextHop: IpAddress });
const RouteAsked = request({ destination: Cidr, nextHop: IpAddress });

export const subnet = resource({
  noun: "subnet",
  one: "subnet",
  many: "subnets",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    networkId: Id,
    /** The first address of the range, and its prefix. */
    cidr: Cidr,
    /** Null: the guests are told of no router. */
    gateway: nullable(IpAddress),
    /** Ranges from which ports get addresses, in order, apart from each other, without the gateway. */
    pools: Type.Array(PoolShown),
    dnsServers: Type.Array(IpAddress),
    hostRoutes: Type.Array(HostRoute),
    /** Whether ports are told their addresses by DHCP; of IPv6, by router advertisements and DHCPv6. */
    dhcp: Type.Boolean(),
    /** As its network is shared or external. */
    shared: Type.Boolean(),
  },
  sharedBy: ["shared"],
  uses: { networkId: "network" },
  limit: { most: networkLimits.subnetsPerProjectMax, of: "project" },
});

export const Subnet = subnet.shape;
export type Subnet = Static<typeof Subnet>;

const subnetSettings = {
  /** Absent: the first address of the range. Null: none. */
  gateway: Type.Optional(nullable(IpAddress)),
  dnsServers: Type.Optional(Type.Array(IpAddress, { maxItems: networkLimits.dnsServersPerSubnetMax })),
  hostRoutes: Type.Optional(Type.Array(RouteAsked, { maxItems: networkLimits.hostRoutesPerSubnetMax })),
  /** Absent: true of IPv4, and false of IPv6, whose guests set what they are told at their start. */
  dhcp: Type.Optional(Type.Boolean()),
};

export const subnetService = service({
  noun: "subnet",
  version: "1.0.0",
  summary: "Ranges of addresses of networks.",
  methods: {
    create: made(
      subnet,
      {
        /** Id, or a name that only one has. */
        network: Label,
        cidr: Cidr,
        ...subnetSettings,
        /** Absent: every address of the range but the gateway and those that stand for all of it. */
        pools: Type.Optional(
          Type.Array(PoolAsked, { minItems: 1, maxItems: networkLimits.poolsPerSubnetMax }),
        ),
      },
      "Makes a subnet; it must not overlap with another one of its network.",
    ),
    ...kept(subnet, { delete: "Removes a subnet of which no port has an address." }),
    set: changed(
      subnet,
      { name: Type.Optional(given(Name)), ...subnetSettings },
      "Renames a subnet, or changes what its ports are told.",
    ),
  },
});
