/**
 * Ports: the places of networks that something is plugged into. A port keeps its MAC and its addresses
 * whatever host its instance is on.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Cidr, IpAddress, MacAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { PortCounters } from "./traffic.ts";
import { changed, kept, resource } from "./wire/resource.ts";
import { answer, Count, given, Id, Label, literals, Name, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** What a port belongs to. */
const portDevices = ["instance", "router", "gateway", "floating-ip"] as const;

/**
 * Whether packets of the guest pass a port. `active`: its host has applied the port as it is now, and the
 * guest runs. `down`: nothing is plugged in, or the guest does not run. `build`: it is on its way. `error`:
 * its host says that it fails. `unknown`: its host is silent. Nobody stores it: it is computed whenever
 * somebody asks.
 */
const portStatuses = ["active", "down", "build", "error", "unknown"] as const;
export type PortStatus = (typeof portStatuses)[number];

export const AddressPair = answer({ cidr: Cidr, mac: nullable(MacAddress) });
const PairAsked = request({ cidr: Cidr, mac: Type.Optional(MacAddress) });

/** Neutron's rule of a bandwidth limit has these as `max_kbps` and `max_burst_kbps`. */
const BandwidthLimit = answer({ kilobitsPerSecond: Count, burstKilobits: Count });
export type BandwidthLimit = Static<typeof BandwidthLimit>;

/** `ingress`: what the guest receives; `egress`: what it sends. Null: as much as there is. */
export const Bandwidth = answer({ ingress: nullable(BandwidthLimit), egress: nullable(BandwidthLimit) });
export type Bandwidth = Static<typeof Bandwidth>;

const LimitAsked = request({
  kilobitsPerSecond: Type.Integer({
    minimum: networkLimits.bandwidthKilobitsPerSecondMin,
    maximum: networkLimits.bandwidthKilobitsPerSecondMax,
  }),
  /** What passes at once after a pause. Absent: that of a tenth of a second, or the least. */
  burstKilobits: Type.Optional(
    Type.Integer({
      minimum: networkLimits.burstKilobitsMin,
      maximum: networkLimits.burstKilobitsMax,
    }),
  ),
});
const BandwidthAsked = request({
  ingress: Type.Optional(nullable(LimitAsked)),
  egress: Type.Optional(nullable(LimitAsked)),
});
export type BandwidthAsked = Static<typeof BandwidthAsked>;

export const port = resource({
  noun: "port",
  one: "port",
  many: "ports",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    networkId: Id,
    /** Lower case. No other port of the network has it. */
    mac: MacAddress,
    /**
     * False: nothing that the port sends or receives is filtered, and whoever is plugged in may pretend to be
     * anybody.
     */
    portSecurity: Type.Boolean(),
    /** Other addresses that the port may send from, and with which MAC; null: its own. */
    addressPairs: Type.Array(AddressPair),
    /** Null: neither direction has a limit. */
    bandwidth: nullable(Bandwidth),
  },
  joined: {
    /** The device that is plugged into the port, and its id; null: none is. */
    device: nullable(literals(portDevices)),
    deviceId: nullable(Id),
    /** Whether it goes when its instance is deleted: true of a port that was made with the instance. */
    deleteWithInstance: Type.Boolean(),
    addresses: Type.Array(answer({ subnetId: Id, address: IpAddress })),
    securityGroupIds: Type.Array(Id),
    /**
     * Absent: of a port that is not an instance's, in the answer of whoever makes or changes one, or the
     * controller is of before.
     */
    status: Type.Optional(literals(portStatuses)),
    /** A sentence for people: why it is not `active`. Absent: it is, or no status is said. */
    statusReason: Type.Optional(Type.String()),
  },
  uses: { networkId: "network" },
  unique: [["networkId", "mac"]],
  limit: { most: networkLimits.portsPerProjectMax, of: "project" },
});

export const Port = port.shape;
export type Port = Static<typeof Port>;

/** An address of a subnet that a port has. Clients see it in its port. */
export const address = resource({
  noun: "address",
  one: "address",
  many: "addresses",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  /** The address. */
  name: IpAddress,
  nameUnique: false,
  fields: { subnetId: Id, portId: Id },
  uses: { subnetId: "subnet", portId: "port" },
  partOf: "portId",
  unique: [["subnetId", "name"]],
});

/** That a port has a security group. Clients see it in its port. */
export const groupMembership = resource({
  noun: "security-group-port",
  one: "groupMembership",
  many: "groupMemberships",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  name: Id,
  nameUnique: false,
  fields: { groupId: Id, portId: Id },
  uses: { groupId: "security-group", portId: "port" },
  partOf: "portId",
  unique: [["groupId", "portId"]],
});

/** That something is plugged into a port, which stays as long as it is. Clients see it in the port. */
export const plug = resource({
  noun: "plug",
  one: "plug",
  many: "plugs",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  /** Id of the port: only one thing is plugged in. */
  name: Id,
  nameUnique: true,
  fields: { portId: Id, device: literals(portDevices), deviceId: Id, deleteWithInstance: Type.Boolean() },
  uses: { portId: "port" },
});

const settings = {
  /** Ids or names. Absent: the project's default group; none without `portSecurity`. */
  securityGroups: Type.Optional(Type.Array(Label, { maxItems: networkLimits.securityGroupsPerPortMax })),
  portSecurity: Type.Optional(Type.Boolean()),
  /** A direction that is absent stays as it is; null has no limit. */
  bandwidth: Type.Optional(BandwidthAsked),
  addressPairs: Type.Optional(Type.Array(PairAsked, { maxItems: networkLimits.addressPairsPerPortMax })),
};

export const portService = service({
  noun: "port",
  version: "1.0.0",
  summary: "Places of networks, with their addresses.",
  methods: {
    create: method({
      request: request({
        /** Absent: the port's MAC is its name. */
        name: Type.Optional(given(Name)),
        /** Id, or a name that only one has. */
        network: Label,
        mac: Type.Optional(MacAddress),
        /**
         * One entry for each address: of this subnet (id or name), or this address, or both. Absent: one of
         * each IP version that the network has subnets of. Empty: none.
         */
        addresses: Type.Optional(
          Type.Array(request({ subnet: Type.Optional(Label), address: Type.Optional(IpAddress) }), {
            maxItems: networkLimits.addressesPerPortMax,
          }),
        ),
        ...settings,
      }),
      answer: kept(port).get.answer,
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Makes a port, with addresses that nobody else has.",
    }),
    ...kept(port, { delete: "Removes a port that nothing is plugged into; its addresses are free again." }),
    counters: method({
      request: request({}),
      answer: answer({ counters: PortCounters }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Says what has passed a port, and what was dropped there, as its host has it now.",
    }),
    set: changed(
      port,
      { name: Type.Optional(given(Name)), ...settings },
      "Renames a port, or changes its groups, what it may send, and how much.",
    ),
  },
});
