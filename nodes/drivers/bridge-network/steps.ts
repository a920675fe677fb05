/**
 * The commands that lead from what is in the fabric to what is to be there; none, when both are the same. A
 * tap is no part of it until it is in the fabric: its hypervisor opens it elsewhere. What has our mark and is
 * not planned passes nothing from now on, and is told, for whoever removes it. Nothing without our mark is
 * ever named. Pure.
 */

import { hatchPorts } from "../../responder/hatch.ts";
import { isOwnDevice } from "./device-names.ts";
import { neighbourSteps, placeSteps, routeSteps } from "./place-steps.ts";
import type { FabricPlan, PlannedBridge, PlannedHatch, PlannedTap, PlannedTunnel } from "./plan.ts";
import { type Seen, type SeenLink, type SlaveFlags, slaveFlags } from "./seen.ts";
import { serviceAddress } from "./service-address.ts";

export interface Steps {
  /** Tunnels whose packets go out by the host's own network: they are made there, and put into the fabric. */
  readonly tunnels: readonly PlannedTunnel[];
  /** Lines for `ip -batch`, before the tunnels are made. */
  readonly before: readonly string[];
  /** Lines for `ip -batch`. */
  readonly links: readonly string[];
  /** Lines for `bridge -batch`. */
  readonly places: readonly string[];
  /** Names of our own devices that the plan does not have. */
  readonly orphans: readonly string[];
}

/** The port of VXLAN (RFC 7348). */
export const tunnelUdpPort = 4_789;

/**
 * Frames for 01:80:c2:00:00:0x are the bridge's to carry, and so the filter's to drop: else they come to the
 * host itself around all chains. Those for …:01 no bridge takes.
 */
export const linkLocalMask = 0xfffd;

/** The bridge's port learns no addresses, and gets no frames but those for addresses behind the port. */
const closed = {
  ...{ learning: false, flood: false, mcast_flood: false, bcast_flood: false },
  group_fwd_mask: linkLocalMask,
} as const;
export const tapFlags: SlaveFlags = { ...closed, proxy_arp: true, neigh_suppress: false };
/** The bridge answers for who is behind it, also where neighbours are asked for by IPv6. */
export const tunnelFlags: SlaveFlags = { ...closed, proxy_arp: false, neigh_suppress: true };
export const hatchFlags: SlaveFlags = { ...closed, proxy_arp: false, neigh_suppress: false };

export function stepsBetween(plan: FabricPlan, seen: Seen): Steps {
  const made = plan.tunnels.filter((tunnel) => !isTunnel(seen.links.get(tunnel.name), tunnel));
  const before = made.flatMap(({ name }) => (seen.links.has(name) ? [removed(name)] : []));
  const wanted = new Set(
    [...plan.bridges, ...plan.tunnels, ...plan.hatches, ...plan.routerPorts, ...plan.taps].map(
      ({ name }) => name,
    ),
  );
  const orphans = [...seen.links.values()].filter(({ name }) => isOwnDevice(name) && !wanted.has(name));
  return {
    tunnels: made,
    before,
    links: [
      ...orphans.flatMap(({ name, master }) => (master === null ? [] : [`link set dev ${name} nomaster`])),
      ...plan.bridges.flatMap((bridge) => bridgeSteps(bridge, seen.links.get(bridge.name))),
      ...plan.tunnels.flatMap((tunnel) => {
        const link = made.includes(tunnel) ? undefined : seen.links.get(tunnel.name);
        return portSteps({ ...tunnel, id: tunnel.networkId }, link, tunnelFlags);
      }),
      ...plan.hatches.flatMap((hatch) => hatchSteps(hatch, seen.links.get(hatch.name))),
      ...plan.routerPorts.flatMap((port) =>
        portSteps({ ...port, id: port.portId }, seen.links.get(port.name), tunnelFlags),
      ),
      ...plan.taps.flatMap((tap) => tapSteps(tap, seen.links.get(tap.name))),
      ...neighbourSteps(plan, seen),
      ...routeSteps(plan, seen),
    ],
    places: placeSteps(plan, seen),
    orphans: orphans.map(({ name }) => name),
  };
}

/** True: the fabric is as planned. Orphans are no part of the plan. */
export const isDone = ({ tunnels, before, links, places }: Steps): boolean =>
  tunnels.length + before.length + links.length + places.length === 0;

/** The devices that the steps change or make, in the fabric. */
export const touchedBy = ({ links }: Steps): readonly string[] => [
  ...new Set(links.flatMap((line) => /^link (?:set dev|add name) (\S+)/.exec(line)?.[1] ?? [])),
];

export const removed = (name: string): string => `link del dev ${name}`;

const isTunnel = (
  link: SeenLink | undefined,
  { number, local }: Pick<PlannedTunnel, "number" | "local">,
  udpPort = tunnelUdpPort,
): boolean =>
  link?.tunnel?.number === number && link.tunnel.local === local && link.tunnel.udpPort === udpPort;

/** A hatch's packets stay in the fabric, so the device is made in the fabric. */
function hatchSteps(hatch: PlannedHatch, link: SeenLink | undefined): readonly string[] {
  const { name, number, networkId: id } = hatch;
  const isMade = isTunnel(link, { number, local: serviceAddress }, hatchPorts.device);
  const vxlan = `vxlan id ${number} local ${serviceAddress} dstport ${hatchPorts.device} nolearning`;
  return [
    ...(link === undefined || isMade ? [] : [removed(name)]),
    ...(isMade ? [] : [`link add name ${name} type ${vxlan}`]),
    ...portSteps({ ...hatch, id }, isMade ? link : undefined, hatchFlags),
  ];
}

function bridgeSteps(bridge: PlannedBridge, link: SeenLink | undefined): readonly string[] {
  const { name, mac, mtuBytes, networkId } = bridge;
  const filtered = "nf_call_iptables 1 nf_call_ip6tables 1";
  // A bridge that was made without a MAC address takes the lowest of its ports'.
  const make = `link add name ${name} address ${mac} type bridge mcast_snooping 0 ${filtered}`;
  if (link?.kind !== "bridge")
    return [
      ...(link === undefined ? [] : [removed(name)]),
      make,
      ...common({ name, mtuBytes, id: networkId }, undefined),
    ];
  return [
    ...(link.callsFilter ? [] : [`link set dev ${name} type bridge ${filtered}`]),
    ...(link.mac === mac ? [] : [`link set dev ${name} address ${mac}`]),
    ...common({ name, mtuBytes, id: networkId }, link),
  ];
}

/** The steps of one tap; none while the tap is outside the fabric. */
function tapSteps(tap: PlannedTap, link: SeenLink | undefined): readonly string[] {
  if (link === undefined) return [];
  const { name, portId: id, mtuBytes, bridge } = tap;
  if (bridge !== null) return portSteps({ name, id, mtuBytes, bridge }, link, tapFlags);
  const leave = link.master === null ? [] : [`link set dev ${name} nomaster`];
  return [...leave, ...common({ name, id, mtuBytes }, link)];
}

interface Common {
  readonly name: string;
  readonly id: string;
  readonly mtuBytes: number;
}

/** `link`: undefined: it was just made. Its flags are right before it is up. */
function portSteps(
  port: Common & { readonly bridge: string },
  link: SeenLink | undefined,
  flags: SlaveFlags,
): readonly string[] {
  const { name, bridge } = port;
  const isThere = link?.master === bridge;
  const wrong = slaveFlags.filter((flag) => !isThere || link.slave[flag] !== flags[flag]);
  const words = wrong.map((flag) => `${flag} ${wordOf(flags[flag])}`);
  return [
    ...(isThere ? [] : [`link set dev ${name} down`, `link set dev ${name} master ${bridge}`]),
    ...(words.length === 0 ? [] : [`link set dev ${name} type bridge_slave ${words.join(" ")}`]),
    ...common(port, isThere ? link : undefined),
  ];
}

const wordOf = (flag: boolean | number | undefined): string =>
  typeof flag === "number" ? `${flag}` : flag === true ? "on" : "off";

function common({ name, id, mtuBytes }: Common, link: SeenLink | undefined): readonly string[] {
  const words = [
    ...(link?.mtuBytes === mtuBytes ? [] : [`mtu ${mtuBytes}`]),
    ...(link?.alias === id ? [] : [`alias ${id}`]),
    ...(link?.isUp === true ? [] : ["up"]),
  ];
  return [
    // Before it is up: it would speak at once.
    ...(link?.speaks === false ? [] : [`link set dev ${name} addrgenmode none`]),
    ...(words.length === 0 ? [] : [`link set dev ${name} ${words.join(" ")}`]),
  ];
}
