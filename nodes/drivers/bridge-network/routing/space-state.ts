/**
 * What the namespace of a router, or of a way outside, is to have, in the form in which it is compared with
 * what the kernel says. Pure.
 */

import { leaveDevice, transitMacs } from "./names.ts";
import type { PlannedOutside, PlannedRouter } from "./planned.ts";

export interface WantedLink {
  readonly name: string;
  readonly kind: "veth" | "macvlan";
  readonly mac: string;
  /** Null: as it was made. */
  readonly mtuBytes: number | null;
  /** False: nobody is asked for MAC addresses, and nobody is answered. */
  readonly asks: boolean;
  /** What the device is made of, where that cannot be seen from here; null: nothing has to be known. */
  readonly alias: string | null;
}

export interface WantedRoute {
  readonly table: "main" | typeof floatingTable;
  readonly destination: string;
  /** Null: whatever is sent there goes back to its sender as unreachable. */
  readonly device: string | null;
  /** Null: who is behind the device is there. */
  readonly via: string | null;
}

export interface SpaceState {
  readonly links: readonly WantedLink[];
  /** With their prefixes. */
  readonly addresses: readonly { readonly device: string; readonly address: string }[];
  readonly neighbours: readonly { readonly device: string; readonly address: string; readonly mac: string }[];
  /** Addresses for which the namespace answers ARP in a router's place. */
  readonly proxies: readonly { readonly device: string; readonly address: string }[];
  readonly routes: readonly WantedRoute[];
  /** Priorities and tables. */
  readonly rules: readonly string[];
}

/** Asked before the addresses of the namespace itself: a floating address is one of them, and leads on. */
export const floatingTable = "10";
const usualRules = ["0 local", "32766 main", "32767 default"];
const floatingRules = [`10 ${floatingTable}`, "20 local", "32766 main", "32767 default"];

export function stateOfRouter({ interfaces, neighbours, routes, leave }: PlannedRouter): SpaceState {
  const links = interfaces.map(({ device, mac, mtuBytes }) => veth(device, mac, mtuBytes));
  return {
    links: [...links, ...(leave === null ? [] : [veth(leaveDevice, transitMacs.router, leave.mtuBytes)])],
    addresses: [
      ...interfaces.map(({ device, address }) => ({ device, address })),
      ...(leave === null ? [] : [{ device: leaveDevice, address: `${leave.transit}/32` }]),
    ],
    neighbours,
    proxies: [],
    routes: routes.map(({ destination, via }) => ({
      ...{ table: "main", destination, device: via?.device ?? null, via: via?.address ?? null },
    })),
    rules: usualRules,
  };
}

/**
 * A floating address is the way's own, so that the kernel itself tells the operator's network where it is;
 * but what is sent there meets the route to the router first.
 */
export function stateOfOutside({ device, parent, mac, address, ...outside }: PlannedOutside): SpaceState {
  const { gateway, ranges, customers } = outside;
  const floating = customers.flatMap((one) => one.floating.map((at) => ({ ...one, at })));
  const route = (given: Partial<WantedRoute> & Pick<WantedRoute, "destination">): WantedRoute => ({
    ...{ table: "main", device, via: null, ...given },
  });
  return {
    links: [
      { name: device, kind: "macvlan", mac, mtuBytes: null, asks: true, alias: parent },
      ...customers.map((one) => veth(one.device, transitMacs.outside, one.mtuBytes)),
    ],
    addresses: [{ device, address }, ...floating.map(({ at }) => ({ device, address: `${at}/32` }))],
    neighbours: customers.map((one) => ({
      ...{ device: one.device, address: one.transit, mac: transitMacs.router },
    })),
    proxies: floating.map(({ at }) => ({ device, address: at })),
    routes: [
      ...(gateway === null ? [] : [route({ destination: "default", via: gateway })]),
      ...ranges.map((destination) => route({ destination })),
      ...customers.map((one) => route({ destination: one.transit, device: one.device })),
      ...floating.map((one) =>
        route({ table: floatingTable, destination: one.at, device: one.device, via: one.transit }),
      ),
    ],
    rules: floatingRules,
  };
}

const veth = (name: string, mac: string, mtuBytes: number): WantedLink => ({
  ...{ name, kind: "veth", mac, mtuBytes, asks: false, alias: null },
});
