/**
 * Whom the tunnels of a host believe, and that as rules of nftables. A tunnel's number is all that the kernel
 * asks of a frame; these rules ask also from which host of the underlay it comes, and for whom this host
 * speaks: the ports that the picture has there, and routers, which are on each host that has a guest behind
 * them. What comes to another address of this computer comes to nobody. Pure.
 */
import { addressOf } from "../../../protocol/address.ts";
import type { FabricPlan } from "./plan.ts";
import { tunnelUdpPort } from "./steps.ts";

/** A host of the underlay that may send frames from the MAC address, in the network of the number. */
export interface TunnelSender {
  readonly host: string;
  readonly number: number;
  readonly mac: string;
}

export function tunnelSendersOf({
  tunnels,
  places,
  routerPorts,
}: Pick<FabricPlan, "tunnels" | "places" | "routerPorts">): readonly TunnelSender[] {
  const numbers = new Map(tunnels.map(({ name, number }) => [name, number]));
  const ofPorts = places.flatMap(({ device, host, mac }) => {
    const number = numbers.get(device);
    return number === undefined || host === null ? [] : [{ host, number, mac }];
  });
  const tunnelOn = new Map(tunnels.map((tunnel) => [tunnel.bridge, tunnel]));
  const behindTunnels = places.filter(({ device }) => numbers.has(device));
  const hostsOn = Map.groupBy(behindTunnels, ({ bridge }) => bridge);
  const joined = joinedBridges(routerPorts);
  const ofRouters = routerPorts.flatMap(({ bridge, name }) => {
    const tunnel = tunnelOn.get(bridge);
    const mac = places.find(({ device }) => device === name)?.mac;
    if (tunnel === undefined || mac === undefined) return [];
    const behind = joined(bridge).flatMap((one) => hostsOn.get(one) ?? []);
    const hosts = new Set(behind.flatMap(({ host }) => host ?? []));
    return [...hosts].map((host) => ({ host, number: tunnel.number, mac }));
  });
  return [...ofPorts, ...ofRouters];
}

/** The bridges to which routers lead from a bridge, over other routers as well. */
function joinedBridges(routerPorts: FabricPlan["routerPorts"]) {
  const routersAt = Map.groupBy(routerPorts, ({ bridge }) => bridge);
  const bridgesOf = Map.groupBy(routerPorts, ({ routerId }) => routerId);
  return (from: string): readonly string[] => {
    const found = new Set([from]);
    for (const bridge of found)
      for (const { routerId } of routersAt.get(bridge) ?? [])
        for (const other of bridgesOf.get(routerId) ?? []) found.add(other.bridge);
    return [...found];
  };
}

/** Where VXLAN has its number, and the sender of the inner frame, in bits from the start of UDP's header. */
const [number, source] = ["@th,96,24", "@th,176,48"];

/** The whole table, for `nft -f`; without tunnels there is none afterwards. `local`: of the underlay. */
export function tunnelTable(
  table: string,
  { tunnels, ...plan }: Pick<FabricPlan, "tunnels" | "places" | "routerPorts">,
): string {
  const name = `table inet ${table}`;
  const none = `${name}\ndelete ${name}\n`;
  const [first] = tunnels;
  if (first === undefined) return none;
  const ip = addressOf(first.local)?.version === 6 ? "ip6" : "ip";
  const numbers = new Set(tunnels.map((one) => one.number));
  const senders = new Set(
    tunnelSendersOf({ tunnels, ...plan }).flatMap(({ host, number: of, mac }) =>
      addressOf(host)?.version === addressOf(first.local)?.version
        ? `${host} . ${of} . 0x${mac.replaceAll(":", "")}`
        : [],
    ),
  );
  return [
    `${none}${name} {`,
    `  set numbers { typeof ${number};${elements(numbers)} }`,
    `  set senders { typeof ${ip} saddr . ${number} . ${source};${elements(senders)} }`,
    "  chain input {",
    "    type filter hook input priority -10; policy accept;",
    `    udp dport ${tunnelUdpPort} ${number} @numbers goto tunnel`,
    ...(ip === "ip6" ? fragmentRules : ["  }"]),
    "  chain tunnel {",
    `    ${ip} daddr ${first.local} ${ip} saddr . ${number} . ${source} @senders accept`,
    "    drop",
    "  }",
    "}\n",
  ].join("\n");
}

/**
 * The kernel puts packets of IPv6 together only after these rules, and without its first fragment none comes
 * to be. One that shows the number is judged as a whole packet is: no later fragment may overlap it. One to
 * the port of tunnels that does not show it is dropped, and so is one that hides its port.
 */
const fragmentRules = [
  `    udp dport ${tunnelUdpPort} ${number} != @numbers accept`,
  "    frag frag-off 0 frag more-fragments 1 goto fragments",
  "  }",
  "  chain fragments {",
  "    meta l4proto != udp accept",
  `    udp dport != ${tunnelUdpPort} accept`,
  "    drop",
  "  }",
];

const elements = (all: ReadonlySet<number | string>): string =>
  all.size === 0 ? "" : ` elements = { ${[...all].join(", ")} };`;
