/**
 * Which way a packet takes from a router on: over as many routers as there are, to a port that the picture
 * has, to an address of a router's own, or outside. Pure.
 */
import { switchLimits } from "../limits.ts";
import type { Gate, Outside, PlannedPort, PlannedRouter } from "../planned.ts";
import { isOfIpv4 } from "./exit.ts";
import { holds } from "./plan-routers.ts";

interface Passed {
  /** By which the packet comes into each router but the first. */
  readonly entries: readonly Gate[];
}

export interface WayToPort extends Passed {
  readonly kind: "port";
  readonly gate: Gate;
  readonly port: PlannedPort;
  readonly mac: string;
}

export interface WayOutside extends Passed {
  readonly kind: "outside";
  readonly outside: Outside;
}

export type Way =
  | WayToPort
  | WayOutside
  /** The address is a router's. */
  | (Passed & { readonly kind: "own" })
  /** `noRoute`: no route leads to the address; `noHost`: no port of the subnet has it. */
  | (Passed & { readonly kind: "none"; readonly why: "noRoute" | "noHost" });

type WithoutEntries<T> = T extends Passed ? Omit<T, "entries"> : never;

export function wayFrom(first: PlannedRouter, destination: string): Way {
  const entries: Gate[] = [];
  for (let router = first; entries.length < switchLimits.routersOfWayMax; ) {
    const step = stepFrom(router, destination);
    if (!("next" in step)) return { ...step, entries };
    entries.push(step.next);
    router = step.next.router;
  }
  return { kind: "none", why: "noRoute", entries };
}

function stepFrom(router: PlannedRouter, destination: string): WithoutEntries<Way> | { readonly next: Gate } {
  if (router.gates.has(destination)) return { kind: "own" };
  const route = router.routes.find((one) => holds(one, destination));
  // Outside there is IPv4 only.
  const outside = isOfIpv4(destination) ? router.outside : undefined;
  if (route === undefined)
    return outside === undefined ? { kind: "none", why: "noRoute" } : { kind: "outside", outside };
  const { gate, nextHop = destination } = route;
  const next = gate.network.gatesByAddress.get(nextHop);
  if (next !== undefined && next.router !== router) return { next };
  const mac = gate.network.byAddress.get(nextHop) ?? "";
  const port = gate.network.byMac.get(mac);
  // Gateways call guests of their own network only, and nobody calls them.
  if (port === undefined || port.forwards !== undefined) return { kind: "none", why: "noHost" };
  return { kind: "port", gate, port, mac };
}
