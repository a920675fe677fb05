/**
 * What a look at a fabric would find that is as its plan says: so that the next plan is reached by what
 * differs, without a look at a thousand devices for one more. It must never say of a device what no look has
 * proved since the device was made or changed. Pure.
 */
import { hatchPorts } from "../../responder/hatch.ts";
import { entriesOf, knownAs } from "./place-steps.ts";
import type { PlannedPlace } from "./places.ts";
import type { FabricPlan } from "./plan.ts";
import { kept } from "./rules/kept.ts";
import type { Seen, SeenLink, SlaveFlags } from "./seen.ts";
import { serviceAddress } from "./service-address.ts";
import { hatchFlags, tapFlags, tunnelFlags, tunnelUdpPort } from "./steps.ts";

/** A fabric that was proved to be as planned. */
export interface Settled {
  readonly plan: FabricPlan;
  /** Names of the planned taps that are as planned: others are where hypervisors open them, or nowhere. */
  readonly taps: ReadonlySet<string>;
  /** Names of taps that have come into the fabric since, and nothing is known of them. */
  readonly arrived: ReadonlySet<string>;
}

/**
 * What is left of a plan, and of such a fabric, without the entries that both have: a network of ten thousand
 * ports is compared by looking each of them up once.
 */
export function differing(
  plan: FabricPlan,
  { plan: before, taps, arrived }: Settled,
): { readonly plan: FabricPlan; readonly seen: Seen } {
  const settled = linksWhenSettled(before, taps);
  const bare = [...arrived].map((name) => [name, bareTap(name)] as const);
  const [now, then] = [indexOf(plan), indexOf(before)];
  const isThere = ({ device }: PlannedPlace) => settled.has(device);
  const places = before.places.filter(
    (one) => isThere(one) && !isSamePlace(now.places.get(placeKey(one)), one),
  );
  const neighbours = before.neighbours.filter((one) => now.neighbours.get(addressKey(one)) !== knownAs(one));
  const routes = before.routes.filter((one) => !now.routes.has(addressKey(one)));
  return {
    plan: {
      ...plan,
      places: plan.places.filter((one) => !isThere(one) || !isSamePlace(then.places.get(placeKey(one)), one)),
      neighbours: plan.neighbours.filter((one) => then.neighbours.get(addressKey(one)) !== knownAs(one)),
      routes: plan.routes.filter((one) => !then.routes.has(addressKey(one))),
    },
    seen: {
      links: new Map([...settled, ...bare]),
      places: places.flatMap(entriesOf),
      neighbours: neighbours.map(({ bridge: device, ...rest }) => ({ device, ...rest })),
      routes: routes.map(({ bridge: device, address }) => ({ device, address })),
    },
  };
}

/** A bridge has one place for each MAC, and one neighbour for each address. */
const placeKey = ({ bridge, mac }: PlannedPlace): string => `${bridge} ${mac}`;
const addressKey = ({ bridge, address }: FabricPlan["routes"][number]): string => `${bridge} ${address}`;

const isSamePlace = (one: PlannedPlace | undefined, { device, host }: PlannedPlace): boolean =>
  one?.device === device && one.host === host;

const indexOf = kept(({ places, neighbours, routes }: FabricPlan) => ({
  places: new Map(places.map((one) => [placeKey(one), one])),
  neighbours: new Map(neighbours.map((one) => [addressKey(one), knownAs(one)])),
  routes: new Set(routes.map(addressKey)),
}));

export const linksWhenSettled = (plan: FabricPlan, taps: ReadonlySet<string>): Seen["links"] =>
  new Map(linksOf(plan, taps).map((link) => [link.name, link]));

const noFlags: SlaveFlags = {
  ...{ learning: undefined, flood: undefined, mcast_flood: undefined, bcast_flood: undefined },
  ...{ proxy_arp: undefined, neigh_suppress: undefined, group_fwd_mask: undefined },
};

/** What all of our devices are when they are settled. */
const common = {
  ...{ mac: "", master: null, isUp: true, hasCarrier: true, slave: noFlags, speaks: false },
  ...{ userId: null, callsFilter: false, tunnel: null },
} as const;

/** A tap that no step has changed yet. */
const bareTap = (name: string): SeenLink => ({
  ...{ ...common, name, kind: "tun", mtuBytes: Number.NaN, alias: null, isUp: false, speaks: true },
});

/** Without what was settled before. */
export const allSettled = (plan: FabricPlan, present: ReadonlySet<string>): Settled => ({
  ...{ plan, arrived: new Set() },
  taps: new Set(plan.taps.flatMap(({ name }) => (present.has(name) ? [name] : []))),
});

function linksOf(plan: FabricPlan, present: ReadonlySet<string>): readonly SeenLink[] {
  const bridges = plan.bridges.map(({ name, mac, mtuBytes, networkId }) => ({
    ...{ ...common, name, kind: "bridge", mac, mtuBytes, alias: networkId, callsFilter: true },
  }));
  const tunnels = plan.tunnels.map(({ name, bridge, mtuBytes, networkId, number, local }) => ({
    ...{ ...common, name, kind: "vxlan", mtuBytes, master: bridge, alias: networkId, slave: tunnelFlags },
    tunnel: { number, local, udpPort: tunnelUdpPort },
  }));
  const hatches = plan.hatches.map(({ name, bridge, mtuBytes, networkId, number }) => ({
    ...{ ...common, name, kind: "vxlan", mtuBytes, master: bridge, alias: networkId, slave: hatchFlags },
    tunnel: { number, local: serviceAddress, udpPort: hatchPorts.device },
  }));
  const routerPorts = plan.routerPorts.map(({ name, bridge, mtuBytes, portId }) => ({
    ...{ ...common, name, kind: "veth", mtuBytes, master: bridge, alias: portId, slave: tunnelFlags },
  }));
  const taps = plan.taps.flatMap(({ name, bridge, mtuBytes, portId }) => {
    if (!present.has(name)) return [];
    const slave = bridge === null ? noFlags : tapFlags;
    return [{ ...common, name, kind: "tun", mtuBytes, master: bridge, alias: portId, slave }];
  });
  return [...bridges, ...tunnels, ...hatches, ...routerPorts, ...taps];
}
