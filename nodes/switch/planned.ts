/** The plan of a switch: what it knows when a frame comes, made by plan.ts and routing/plan-routers.ts. */
import type { Bandwidth } from "../../protocol/port.ts";
import type { Lease } from "../dhcp/lease.ts";
import type { Lease6 } from "../dhcp6/lease.ts";
import type { AddressSet } from "./filter/address-set.ts";
import type { PortRules } from "./filter/rules.ts";

export interface PlannedPort {
  readonly portId: string;
  readonly network: PlannedNetwork;
  readonly mac: string;
  /** False: everything passes that has a destination. */
  readonly isFiltered: boolean;
  /** Addresses that the port may send from, by MAC: its own MAC, and the MACs of its address pairs. */
  readonly sources: ReadonlyMap<string, AddressSet>;
  readonly rules: PortRules;
  /** Undefined: DHCP tells it nothing. */
  readonly lease: Lease | undefined;
  /** What DHCPv6 and advertisements tell the port. Absent: nothing. */
  readonly lease6?: Lease6 | undefined;
  /** The other host that the port is on; undefined: it is plugged in here. */
  readonly host: string | undefined;
  /** The own address from which its frames go to other hosts; undefined: they go to none. */
  readonly underlay: string | undefined;
  /** Absent: as much as there is. */
  readonly bandwidth?: Bandwidth | undefined;
  /** Of a gateway: what it may open connections to, as `forwardKey` has it. Absent: a guest's port. */
  readonly forwards?: ReadonlySet<string>;
  /** The node of this computer that has it; a port of another computer has none. */
  readonly node?: string | undefined;
  /** Of a way out: the router that leads there. Absent: it is no way out. */
  readonly leadsOut?: PlannedRouter;
}

/** `address`: in digits. */
export const forwardKey = (portId: string, address: string, port: number): string =>
  `${portId} ${address} ${port}`;

export interface PlannedNetwork {
  readonly id: string;
  /** No two networks have the same. */
  readonly number: number;
  readonly mtuBytes: number;
  /** Ports by MAC, also those of address pairs. */
  readonly byMac: ReadonlyMap<string, PlannedPort>;
  /** MACs by address, also of ports that are not plugged in. */
  readonly byAddress: ReadonlyMap<string, string>;
  /** Several of one subnet, each of another node, have one MAC and address. */
  readonly gateways: readonly PlannedPort[];
  /** Interfaces of routers by MAC, and by address, also link-local: guests have none of both. */
  readonly gates: ReadonlyMap<string, Gate>;
  readonly gatesByAddress: ReadonlyMap<string, Gate>;
}

/** While its plan is made. */
export interface DraftNetwork extends PlannedNetwork {
  readonly byMac: Map<string, PlannedPort>;
  readonly byAddress: Map<string, string>;
  readonly gateways: PlannedPort[];
  readonly gates: Map<string, Gate>;
  readonly gatesByAddress: Map<string, Gate>;
}

/** By port. */
export type Plan = ReadonlyMap<string, PlannedPort>;

/** An interface of a router. */
export interface Gate {
  readonly router: PlannedRouter;
  readonly network: PlannedNetwork;
  readonly mac: string;
  readonly address: string;
}

/** Of addresses from `first` to `last`, in digits. */
export interface Route {
  readonly first: string;
  readonly last: string;
  readonly prefix: number;
  readonly gate: Gate;
  /** Who leads on; undefined: they are on the gate's network themselves. */
  readonly nextHop: string | undefined;
}

export interface PlannedRouter {
  readonly id: string;
  /** Its own addresses. */
  readonly gates: ReadonlyMap<string, Gate>;
  /** Longest prefix first: the first route with an address leads there. */
  readonly routes: readonly Route[];
  /** Undefined: it leads nowhere outside. */
  readonly outside: Outside | undefined;
}

export interface Outside {
  readonly mtuBytes: number;
  /** False: guests reach nobody outside with their own addresses. */
  readonly snat: boolean;
  /** Ways out by node: a guest takes the one of its own. */
  readonly exits: ReadonlyMap<string, PlannedPort>;
}
