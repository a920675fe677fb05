/**
 * Routers: which subnets reach each other, and which way leads outside. A router is wherever there are guests
 * behind it; no host is its place.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Cidr, IpAddress, MacAddress } from "./ip.ts";
import { networkLimits } from "./limits/network.ts";
import { HostRoute } from "./network.ts";
import { changed, kept, made, resource } from "./wire/resource.ts";
import { answer, given, Id, Label, Name, nullable, request } from "./wire/schema.ts";
import { service } from "./wire/service.ts";

export const router = resource({
  noun: "router",
  one: "router",
  many: "routers",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: {
    /** The external network to which it leads what no other route is for; null: it leads nowhere else. */
    externalNetworkId: nullable(Id),
    /**
     * Whether guests without a floating address are seen outside with an address of their host; false: they
     * reach nobody there.
     */
    snat: Type.Boolean(),
    /** Ranges behind a neighbour in one of the router's subnets. */
    routes: Type.Array(HostRoute),
  },
  joined: {
    interfaces: Type.Array(
      answer({ portId: Id, networkId: Id, subnetId: Id, mac: MacAddress, address: IpAddress }),
    ),
  },
  uses: { externalNetworkId: "network" },
  limit: { most: networkLimits.routersPerProjectMax, of: "project" },
});

export const Router = router.shape;
export type Router = Static<typeof Router>;

/**
 * That a router has an address of a subnet, by a port of its network. Clients see it in the router. Its id is
 * the port's.
 */
export const routerInterface = resource({
  noun: "router-interface",
  one: "routerInterface",
  many: "routerInterfaces",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  /** Id of the port. */
  name: Id,
  nameUnique: true,
  fields: {
    routerId: Id,
    networkId: Id,
    subnetId: Id,
    portId: Id,
    /** False: the port was there before, and stays when the interface goes. */
    deletesPort: Type.Boolean(),
  },
  uses: { routerId: "router", networkId: "network", subnetId: "subnet", portId: "port" },
  unique: [["routerId", "subnetId"]],
});

const settings = {
  /** The external network's id, or its name. Null: the router leads to none. */
  externalNetwork: Type.Optional(nullable(Label)),
  /** Absent: true. */
  snat: Type.Optional(Type.Boolean()),
  routes: Type.Optional(
    Type.Array(request({ destination: Cidr, nextHop: IpAddress }), {
      maxItems: networkLimits.routesPerRouterMax,
    }),
  ),
};

/** A subnet, whose gateway the router becomes; or a port that is there. Ids, or names that only one has. */
const interfaceAsked = { subnet: Type.Optional(Label), port: Type.Optional(Label) };

export const routerService = service({
  noun: "router",
  version: "1.0.0",
  summary: "Ways between subnets, and outside.",
  methods: {
    create: made(router, settings, "Makes a router without interfaces."),
    ...kept(router, { delete: "Removes a router that has no interfaces." }),
    set: changed(
      router,
      { name: Type.Optional(given(Name)), ...settings },
      "Renames a router, or changes where it leads.",
    ),
    addInterface: changed(
      router,
      interfaceAsked,
      "Leads to one subnet more, as its gateway or by a port of its network.",
    ),
    removeInterface: changed(
      router,
      interfaceAsked,
      "Leads to a subnet no more; no floating address may be reached by it.",
    ),
  },
});
