/**
 * The picture of a host as a ruleset of nftables: the same verdicts as the switch of the driver `user` gives
 * (nodes/switch/filter). A port is a few elements in sets and maps, and no rule; one that the picture does
 * not have, or has otherwise than it was plugged in, is in none of them, and nothing passes it. Pure.
 */

import { toldPort } from "../../../../actors/node/guest-data/told-ports.ts";
import { addressOf, addressText } from "../../../../protocol/address.ts";
import type { NetworkPicture, PortPicture } from "../../../../protocol/networking.ts";
import { leaseOf } from "../../../dhcp/lease.ts";
import type { AnsweredGuest } from "../../../responder/state.ts";
import { carriedNetworks } from "../carried-networks.ts";
import { bridgeMac, bridgeName, hatchName, tapName, vxlanName } from "../device-names.ts";
import { routerPortsOf } from "../router-ports.ts";
import { bridgeChains, connectionChains, revokedName } from "./fixed-chains.ts";
import { combinationOf, groupChains, memberSets } from "./group-chains.ts";
import { kept } from "./kept.ts";
import { type Ledger, servicesOf } from "./ledger.ts";
import { ruleLimits } from "./limits.ts";
import type { NftSet, Ruleset } from "./model.ts";
import { askingSets, tellingSets } from "./neighbour-sets.ts";
import { addressesOf } from "./ranges.ts";
import { type RuledPort, ruledPorts, type Wanted } from "./ruled-ports.ts";
import { keysOf, quoted, setOf } from "./sets.ts";
import { sourcesOf, speaks6 } from "./sources.ts";
import { hatchSets, toldPorts6 } from "./told-ports.ts";

export function compile(wanted: Wanted, ledger: Ledger): Ruleset {
  const [ports, networks] = [ruledPorts(wanted), carriedNetworks(wanted.networking)];
  const groups = wanted.networking?.groups ?? [];
  const filtered = ports.filter(({ port }) => port.portSecurity);
  const combinations = filtered.map(({ port }) => port.groupIds);
  const tunnels = networks.map(({ id }) => vxlanName(id));
  const routers = routerPortsOf(wanted.networking).map(({ device }) => device);
  const doors = [...tunnels, ...routers].map(quoted);
  const told = toldPorts6(ports, ledger);
  const hatches = [...new Set(told.map(({ network }) => quoted(hatchName(network.id))))];
  const sets = [
    ...portSets(ports, { doors, hatches }, ledger),
    ...hatchSets(told, hatches),
    ...askingSets(ports, wanted.networking, ledger),
    ...memberSets(groups, combinations),
    ...livingSets,
  ];
  const zones = networks.flatMap(({ id }): [string, string][] =>
    ledger.zones[id] === undefined ? [] : [[quoted(bridgeName(id)), `${ledger.zones[id]}`]],
  );
  return [
    {
      family: "bridge",
      sets: new Map(sets),
      chains: new Map([...bridgeChains, ...groupChains(groups, combinations)]),
    },
    {
      family: "inet",
      sets: new Map([["zones", setOf("map", "iifname : ct zone", zones)]]),
      chains: connectionChains,
    },
  ];
}

function portSets(
  ports: readonly RuledPort[],
  others: {
    /** Ways to other hosts and to routers, from which comes what another end's rules have let go. */
    readonly doors: readonly string[];
    /** From which comes what the responder says. */
    readonly hatches: readonly string[];
  },
  ledger: Ledger,
): [string, NftSet][] {
  const { doors, hatches } = others;
  const [filtered, open] = [
    ports.filter(({ port }) => port.portSecurity).map(({ port }) => ({ port, tap: tapOf(port) })),
    ports.filter(({ port }) => !port.portSecurity).map(({ port }) => tapOf(port)),
  ];
  const entries = [
    ...doors.map((name) => [name, "accept"] as const),
    ...hatches.map((name) => [name, "goto told"] as const),
    ...filtered.map(({ tap }) => [tap, "goto guard"] as const),
    ...open.map((tap) => [tap, "goto unguarded"] as const),
  ];
  const towards = (direction: "egress" | "ingress") =>
    filtered.map(({ tap, port }) => [tap, `goto ${combinationOf(direction, port.groupIds)}`] as const);
  return [
    ["entry", setOf("map", "iifname : verdict", entries)],
    ["open", keysOf("iifname", [...doors, ...open])],
    ["ports", keysOf("oifname", [...doors, ...ports.map(({ port }) => tapOf(port))])],
    ["egress", setOf("map", "iifname : verdict", towards("egress"))],
    ["ingress", setOf("map", "oifname : verdict", towards("ingress"))],
    ...sourceSets(filtered.map(({ port }) => port)),
    ...serviceMaps(ports, ledger),
  ];
}

const tapOf = ({ id }: PortPicture): string => quoted(tapName(id));

const writtenSources = kept((port: PortPicture) => {
  const tap = tapOf(port);
  return [...sourcesOf(port)].map(([mac, texts]) => ({
    ...{ tap, mac, at: `${tap} . ${mac}`, speaks6: speaks6(port) },
    ...{ 4: addressesOf(4, texts), 6: addressesOf(6, texts) },
  }));
});

/** What a port may send from: MACs, and addresses of each MAC. */
function sourceSets(ports: readonly PortPicture[]): [string, NftSet][] {
  const sources = ports.flatMap((port) => writtenSources(port));
  const of = (version: 4 | 6, kind: "single" | "ranges") =>
    sources.flatMap((source) => source[version][kind].map((one) => `${source.at} . ${one}`));
  return [
    [
      "sources",
      keysOf(
        "iifname . ether saddr",
        sources.map(({ at }) => at),
      ),
    ],
    ["sources4", keysOf("iifname . ether saddr . ip saddr", of(4, "single"))],
    ["ranges4", keysOf("iifname . ether saddr . ip saddr", of(4, "ranges"), true)],
    ["sources6", keysOf("iifname . ether saddr . ip6 saddr", of(6, "single"))],
    ["ranges6", keysOf("iifname . ether saddr . ip6 saddr", of(6, "ranges"), true)],
    ...tellingSets(
      sources.map(({ tap, mac, speaks6, 6: { single } }) => ({ tap, mac, speaks6, addresses: single })),
    ),
  ];
}

/** A port that has an address of IPv4 is answered, also where DHCP tells it nothing. */
function answeredPorts(ports: readonly RuledPort[], { services }: Ledger) {
  return ports.flatMap((ruled) => {
    const { plug, port, network } = ruled;
    const number = services[port.id];
    const { lease, address } = leased(port, plug.hostName, network.subnets, network.mtuBytes);
    if (number === undefined || address === undefined) return [];
    return [{ ...ruled, ...servicesOf(number), lease, address }];
  });
}

/** Of the network, subnets and size of packets alone are in a lease. */
const leased = kept(
  (
    port: PortPicture,
    hostName: string,
    subnets: NetworkPicture["subnets"],
    mtuBytes: NetworkPicture["mtuBytes"],
  ) => {
    const lease = leaseOf({ subnets, mtuBytes }, port, hostName);
    const value = lease === undefined ? firstAddress4(port) : BigInt(lease.address);
    const address = value === undefined ? undefined : addressText({ version: 4, value });
    return { lease: lease === undefined ? undefined : writable(lease), address };
  },
);

const firstAddress4 = ({ addresses }: PortPicture): bigint | undefined =>
  addresses.map(({ address }) => addressOf(address)).find((one) => one?.version === 4)?.value;

/** By the responder's addresses ports are told apart; answers go back to the port's own address. */
function serviceMaps(ports: readonly RuledPort[], ledger: Ledger): [string, NftSet][] {
  const answered = answeredPorts(ports, ledger).map(({ port, network, ...rest }) => ({
    ...{ ...rest, tap: tapOf(port), mac: bridgeMac(network.id) },
  }));
  return [
    [
      "service",
      setOf(
        "map",
        "iifname : ip saddr",
        answered.map(({ tap, own }) => [tap, own]),
      ),
    ],
    [
      "bridges",
      setOf(
        "map",
        "iifname : ether daddr",
        answered.map(({ tap, mac }) => [tap, mac]),
      ),
    ],
    [
      "answers",
      setOf(
        "map",
        "oifname . ip daddr : ip daddr",
        answered.flatMap(({ tap, own, all, address }) => [
          [`${tap} . ${own}`, address],
          [`${tap} . ${all}`, "255.255.255.255"],
        ]),
      ),
    ],
  ];
}

/**
 * The ports that the responder answers, each with its lease, and with what its guest is told, of which the
 * secret part is in a file of the port.
 */
export function answeredGuests(
  wanted: Wanted,
  ledger: Ledger,
  toldPath: ((portId: string) => string) | undefined,
): readonly AnsweredGuest[] {
  const ruled = ruledPorts(wanted);
  const byInstance = Map.groupBy(ruled, ({ port }) => port.instanceId);
  const portsOf = (instanceId: string) =>
    (byInstance.get(instanceId) ?? []).map(({ network: { id, subnets, mtuBytes }, port }) =>
      toldOf(port, id, subnets, mtuBytes),
    );
  return answeredPorts(ruled, ledger).map(({ port, own, all, lease }) => ({
    ...{ own, all, lease: lease ?? null },
    ...(toldPath && {
      told: { path: toldPath(port.id), instanceId: port.instanceId, ports: portsOf(port.instanceId) },
    }),
  }));
}

/** Of the network, these alone are told. */
const toldOf = kept(
  (port: PortPicture, id: string, subnets: NetworkPicture["subnets"], mtuBytes: NetworkPicture["mtuBytes"]) =>
    writable(toldPort({ id, subnets, mtuBytes }, port)),
);

/** As the schemas have it. */
type Writable<T> = T extends readonly (infer One)[]
  ? Writable<One>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Writable<T[Key]> }
    : T;
const writable = <T>(value: T): Writable<T> => structuredClone(value) as Writable<T>;

const livingSets: readonly [string, NftSet][] = [
  ...["dhcp_rates", "ask_rates", "metadata_rates"].map((name): [string, NftSet] => [
    name,
    living("iifname", `flags dynamic,timeout; timeout 60s; size ${ruleLimits.ratesMax}`),
  ]),
  ...[4, 6].flatMap((version) =>
    ["tcp", "udp", "sctp"].map((protocol): [string, NftSet] => {
      const ip = version === 4 ? "ip" : "ip6";
      const of = `iifname . ${ip} saddr . ${ip} daddr . ${protocol} sport . ${protocol} dport`;
      return [
        revokedName(protocol, version),
        living(of, `flags dynamic,timeout; size ${ruleLimits.revokedEndsMax}`),
      ];
    }),
  ),
];

function living(of: string, options: string): NftSet {
  return { ...setOf("set", of, []), living: { options } };
}
