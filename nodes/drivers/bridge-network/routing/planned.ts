/** What there is to be in the routers and the ways outside of a host, in values. Types only. */

/** A device that leads to guests, in the router's namespace. */
export interface PlannedInterface {
  readonly device: string;
  readonly bridge: string;
  readonly mac: string;
  /** With its prefix. */
  readonly address: string;
  readonly mtuBytes: number;
}

export interface PlannedRoute {
  /** `default` for 0.0.0.0/0, `::/0` for all of IPv6, and an address for a range of one. */
  readonly destination: string;
  /** Null: nobody is behind it, and who sends there is told so. An address of null: it is on the link. */
  readonly via: { readonly address: string | null; readonly device: string } | null;
}

export interface PlannedNeighbourOf {
  readonly device: string;
  readonly address: string;
  readonly mac: string;
}

export interface PlannedFloating {
  readonly address: string;
  readonly target: string;
}

export interface PlannedLeave {
  /** The space of the way outside, and the router's device in it. */
  readonly space: string;
  readonly device: string;
  /** The router's address towards it. */
  readonly transit: string;
  readonly mtuBytes: number;
  /** Whether guests without a floating address may leave, behind the node's address. */
  readonly snat: boolean;
}

export interface PlannedRouter {
  readonly space: string;
  readonly interfaces: readonly PlannedInterface[];
  readonly neighbours: readonly PlannedNeighbourOf[];
  readonly routes: readonly PlannedRoute[];
  /** Ranges between which the router keeps no connections: their packets may come back by another host. */
  readonly prefixes: readonly string[];
  readonly leave: PlannedLeave | null;
  readonly floating: readonly PlannedFloating[];
}

/** A router at a way outside. */
export interface PlannedCustomer {
  readonly device: string;
  readonly transit: string;
  readonly mtuBytes: number;
  readonly floating: readonly string[];
}

export interface PlannedOutside {
  readonly space: string;
  /** Its own device, made on the computer's. */
  readonly device: string;
  readonly parent: string;
  readonly mac: string;
  /** With its prefix. */
  readonly address: string;
  /** Who leads on; null: the operator's network ends with its own ranges. */
  readonly gateway: string | null;
  /** Ranges that are on the operator's network itself. */
  readonly ranges: readonly string[];
  readonly customers: readonly PlannedCustomer[];
}

export interface RoutingPlan {
  readonly routers: readonly PlannedRouter[];
  readonly outsides: readonly PlannedOutside[];
}
