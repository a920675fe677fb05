/**
 * Floating addresses: addresses of external networks at which a port answers, on whatever host its instance
 * is. The host of the instance has them; there is no other place.
 */
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { changed, kept, resource } from "./wire/resource.ts";
import { answer, Id, Label, nullable, request } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const floatingIp = resource({
  noun: "floating-ip",
  one: "floatingIp",
  many: "floatingIps",
  owner: "project",
  makes: "project",
  sees: "project",
  /** The address. */
  name: IpAddress,
  nameUnique: false,
  fields: {
    /** The external network. */
    networkId: Id,
    /** The port of that network that keeps the address from everybody else. */
    portId: Id,
  },
  joined: {
    /** Where it leads; null: nowhere. */
    target: nullable(answer({ portId: Id, address: IpAddress, routerId: Id })),
  },
  uses: { networkId: "network", portId: "port" },
  limit: { most: networkLimits.floatingIpsPerProjectMax, of: "project" },
});

export const FloatingIp = floatingIp.shape;
export type FloatingIp = Static<typeof FloatingIp>;

/** That a floating address leads to an address of a port. Clients see it in the floating address. */
export const floatingTarget = resource({
  noun: "floating-ip-target",
  one: "floatingTarget",
  many: "floatingTargets",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  /** Id of the floating address: it leads to one place. */
  name: Id,
  nameUnique: true,
  fields: {
    floatingId: Id,
    portId: Id,
    /** Of the port, by IPv4. */
    address: IpAddress,
    /** The interface of the router that leads to it, which stays as long. */
    interfaceId: Id,
  },
  uses: { floatingId: "floating-ip", portId: "port", interfaceId: "router-interface" },
  partOf: "portId",
  unique: [["portId", "address"]],
});

/** The port that it is to lead to: an id, or a name that only one has. */
const target = {
  port: Label,
  /** Of the port. Absent: its first one of IPv4. */
  address: Type.Optional(IpAddress),
};

export const floatingIpService = service({
  noun: "floating-ip",
  version: "1.0.0",
  summary: "Addresses of external networks at which instances answer.",
  methods: {
    create: method({
      request: request({
        /** The external network: an id, or a name that only one has. */
        network: Label,
        /** Absent: one that is free. Operators only. */
        address: Type.Optional(IpAddress),
        /** Absent: it leads nowhere yet. */
        target: Type.Optional(request(target)),
      }),
      answer: kept(floatingIp).get.answer,
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Takes an address of an external network, and lets it lead to a port.",
    }),
    ...kept(floatingIp, { delete: "Gives the address back." }),
    set: changed(
      floatingIp,
      { target: nullable(request(target)) },
      "Lets the address lead to another port, or nowhere.",
    ),
  },
});
