/**
 * Published ports: ports of hosts at which a port of a guest answers. It is said here which there are; the
 * host that the guest is on opens them.
 */
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { kept, resource } from "./wire/resource.ts";
import { answer, Id, Label, literals, Name, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

const HostPortAsked = Type.Integer({
  minimum: networkLimits.hostPortMin,
  maximum: networkLimits.hostPortMax,
});
/** As it is shown and told. */
const HostPort = Type.Integer({ minimum: 1, maximum: networkLimits.tcpPortMax });
const GuestPort = Type.Integer({ minimum: 1, maximum: networkLimits.tcpPortMax });

/** Where a host answers whom nobody told otherwise: only for programs of its own computer. */
export const publishedAddressDefault = "127.0.0.1";

export const publishedPort = resource({
  noun: "published-port",
  one: "publishedPort",
  many: "publishedPorts",
  owner: "project",
  makes: "project",
  sees: "project",
  /** The host's port. */
  name: Name,
  nameUnique: false,
  fields: {
    /** No two instances of the cell have the same: an instance keeps it on every host. */
    hostPort: HostPort,
    protocol: literals(["tcp"]),
    /** Of the host. */
    address: IpAddress,
    /** The network's port that the guest is plugged into: the published port goes with its plug. */
    portId: Id,
    /** Of the guest. */
    port: GuestPort,
  },
  uses: { portId: "plug" },
  partOf: "portId",
  unique: [
    ["hostPort", "protocol"],
    ["portId", "port", "protocol"],
  ],
  limit: { most: networkLimits.publishedPortsPerProjectMax, of: "project" },
});

export const PublishedPort = publishedPort.shape;
export type PublishedPort = Static<typeof PublishedPort>;

const asked = {
  hostPort: HostPortAsked,
  port: GuestPort,
  /** Absent: 127.0.0.1, which only programs of the host itself reach. */
  address: Type.Optional(IpAddress),
};

/** One that a create of an instance asks for. */
export const AskedPublication = request(asked);
export type AskedPublication = Static<typeof AskedPublication>;

/** What a host is told of one. */
export const PublicationPicture = answer({ id: Id, hostPort: HostPort, address: IpAddress, port: GuestPort });
export type PublicationPicture = Static<typeof PublicationPicture>;

export const publishedPortService = service({
  noun: "published-port",
  version: "1.0.0",
  summary: "Ports of hosts at which guests answer.",
  methods: {
    create: method({
      request: request({
        /** Id or name of the network's port that the instance is plugged into. */
        networkPort: Label,
        ...asked,
      }),
      answer: kept(publishedPort).get.answer,
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Publishes a port of the instance that is plugged in, whatever its security groups say.",
    }),
    ...kept(publishedPort, { delete: "Takes the published port back, and ends its connections." }),
  },
});
