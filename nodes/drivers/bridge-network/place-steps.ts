/**
 * The commands that make bridges and tunnels know what the plan knows: who is behind which device, and which
 * address is at whom. Entries of devices that are not there yet wait for them. Pure.
 */
import { isOwnDevice } from "./device-names.ts";
import type { PlannedPlace } from "./places.ts";
import type { FabricPlan } from "./plan.ts";
import type { Seen, SeenPlace } from "./seen.ts";

/** Lines for `bridge -batch`. */
export function placeSteps(plan: FabricPlan, seen: Seen): readonly string[] {
  const { places, bridges, tunnels, hatches } = plan;
  const made = new Set([...bridges, ...tunnels, ...hatches].map(({ name }) => name));
  const there = places.filter(({ device }) => made.has(device) || seen.links.has(device));
  const known = new Set(seen.places.map(keyOf));
  const wanted = new Map(there.flatMap((place) => entriesOf(place).map((entry) => [keyOf(entry), entry])));
  const missing = [...wanted].filter(([key]) => !known.has(key)).map(([, entry]) => added(entry));
  return [...leftovers(there, seen, wanted).map(dropped), ...missing];
}

/** Both tables of a tunnel have to know: the bridge that it is the tunnel, and the tunnel which host. */
export function entriesOf({ mac, device, host }: PlannedPlace): readonly SeenPlace[] {
  const ofBridge = { mac, device, ofDevice: false, state: "static", host: null };
  return host === null ? [ofBridge] : [ofBridge, { mac, device, ofDevice: true, state: "permanent", host }];
}

/** What the plan does not say; but what another entry replaces goes with it, without a gap. */
function leftovers(
  places: readonly PlannedPlace[],
  { links, places: seen }: Seen,
  wanted: ReadonlyMap<string, SeenPlace>,
): readonly SeenPlace[] {
  const bridgeOf = (device: string) => links.get(device)?.master ?? null;
  const replaced = new Set([
    ...places.map(({ bridge, mac }) => `${bridge} ${mac}`),
    ...places.flatMap(({ device, mac, host }) => (host === null ? [] : [`${device} ${mac}`])),
  ]);
  return seen.filter((entry) => {
    const { device, mac, ofDevice, state } = entry;
    // Those of the bridge's devices themselves are permanent, and those of groups are a device's own.
    const isOurs = ofDevice ? links.get(device)?.kind === "vxlan" : state !== "permanent";
    if (!isOwnDevice(device) || !isOurs || wanted.has(keyOf(entry))) return false;
    return !replaced.has(`${ofDevice ? device : bridgeOf(device)} ${mac}`);
  });
}

const keyOf = ({ device, mac, ofDevice, state, host }: SeenPlace): string =>
  [device, mac, ofDevice, state, host].join(" ");

const added = ({ device, mac, ofDevice, host }: SeenPlace): string =>
  ofDevice
    ? `fdb replace ${mac} dev ${device} dst ${host} self permanent`
    : `fdb replace ${mac} dev ${device} master static`;

const dropped = ({ device, mac, ofDevice, host }: SeenPlace): string =>
  ofDevice
    ? `fdb del ${mac} dev ${device}${host === null ? "" : ` dst ${host}`} self`
    : `fdb del ${mac} dev ${device} master`;

/** Lines for `ip -batch`. */
export function neighbourSteps({ neighbours }: FabricPlan, seen: Seen): readonly string[] {
  const keyOf = (device: string, address: string) => `${device} ${address}`;
  const known = new Map(seen.neighbours.map((one) => [keyOf(one.device, one.address), knownAs(one)]));
  const wanted = new Set(neighbours.map(({ bridge, address }) => keyOf(bridge, address)));
  const gone = seen.neighbours.filter(
    ({ device, address }) => isOwnDevice(device) && !wanted.has(keyOf(device, address)),
  );
  return [
    ...gone.map(({ device, address }) => `neigh del ${address} dev ${device}`),
    ...neighbours.flatMap(({ bridge, address, mac, isRouter }) =>
      known.get(keyOf(bridge, address)) === knownAs({ mac, isRouter })
        ? []
        : [`neigh replace ${address} lladdr ${mac} dev ${bridge} nud permanent${isRouter ? " router" : ""}`],
    ),
  ];
}

/** All that an entry says of an address. */
export const knownAs = ({ mac, isRouter }: { mac: string; isRouter?: boolean | undefined }): string =>
  isRouter === true ? `${mac} router` : mac;

/** Lines for `ip -batch`. */
export function routeSteps({ routes }: FabricPlan, seen: Seen): readonly string[] {
  const keyOf = (device: string, address: string) => `${device} ${address}`;
  const known = new Set(seen.routes.map(({ device, address }) => keyOf(device, address)));
  const wanted = new Set(routes.map(({ bridge, address }) => keyOf(bridge, address)));
  const gone = seen.routes.filter(
    ({ device, address }) => isOwnDevice(device) && !wanted.has(keyOf(device, address)),
  );
  return [
    ...gone.map(({ device, address }) => `route del ${address} dev ${device}`),
    ...routes.flatMap(({ bridge, address }) =>
      known.has(keyOf(bridge, address)) ? [] : [`route replace ${address} dev ${bridge}`],
    ),
  ];
}
