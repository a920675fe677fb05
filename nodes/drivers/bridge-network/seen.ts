/**
 * The fabric as `ip -j` and `bridge -j` describe it. A field that the tools leave out counts as not set: with
 * another version of the tools, the host sets the field once more, and believes nothing. Pure.
 */

import { canonical } from "./places.ts";

/** The flags of a bridge's port, by the names that `ip link set … type bridge_slave` has for them. */
export const slaveFlags = [
  "learning",
  "flood",
  "mcast_flood",
  "bcast_flood",
  "proxy_arp",
  "neigh_suppress",
  "group_fwd_mask",
] as const;
/** Flags of a bridge port: the mask is a number, all others are on or off. */
export type SlaveFlags = Readonly<Record<(typeof slaveFlags)[number], boolean | number | undefined>>;

export interface SeenLink {
  readonly name: string;
  /** `tun`, `bridge`, `vxlan`, …; empty: another. */
  readonly kind: string;
  readonly mac: string;
  readonly mtuBytes: number;
  readonly master: string | null;
  readonly alias: string | null;
  readonly isUp: boolean;
  /** Of a tap that is up: a process has it open. */
  readonly hasCarrier: boolean;
  readonly slave: SlaveFlags;
  /** It gives itself an address of IPv6, and speaks by it to guests. */
  readonly speaks: boolean;
  /** Of a tap: the user who may open it. */
  readonly userId: number | null;
  /** Of a bridge: packets go through the host's filter of IP as well. */
  readonly callsFilter: boolean;
  readonly tunnel: { readonly number: number; readonly local: string; readonly udpPort: number } | null;
}

/** An entry of a bridge's table of MAC addresses, or of a tunnel's own. */
export interface SeenPlace {
  readonly device: string;
  readonly mac: string;
  /** True: of the device's own table. */
  readonly ofDevice: boolean;
  readonly state: string;
  readonly host: string | null;
}

export interface SeenNeighbour {
  readonly device: string;
  readonly address: string;
  readonly mac: string;
  /** The bridge's answers call the address a router's. Absent: no. */
  readonly isRouter?: true;
}

export interface Seen {
  /** By name. */
  readonly links: ReadonlyMap<string, SeenLink>;
  readonly places: readonly SeenPlace[];
  /** Those that never age. */
  readonly neighbours: readonly SeenNeighbour[];
  readonly routes: readonly { readonly device: string; readonly address: string }[];
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? { ...value } : {};
const rowsOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
const numberOf = (value: unknown): number => (typeof value === "number" ? value : Number.NaN);
const wordsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Of `ip -j -d link show`. */
export const readLinks = (said: unknown): ReadonlyMap<string, SeenLink> =>
  new Map(rowsOf(said).map((row) => [textOf(row.ifname) ?? "", readLink(row)]));

function readLink(row: Fields): SeenLink {
  const about = fieldsOf(row.linkinfo);
  const data = fieldsOf(about.info_data);
  const slave = fieldsOf(about.info_slave_data);
  const flags = wordsOf(row.flags);
  const kind = textOf(about.info_kind) ?? "";
  const flag = (name: string) => (typeof slave[name] === "boolean" ? slave[name] : undefined);
  // As the text "0xfffd".
  const mask = Number(slave.group_fwd_mask);
  return {
    ...{ name: textOf(row.ifname) ?? "", kind, mac: textOf(row.address) ?? "", mtuBytes: numberOf(row.mtu) },
    ...{ master: textOf(row.master), alias: textOf(row.ifalias) },
    ...{ isUp: flags.includes("UP"), hasCarrier: flags.includes("LOWER_UP") },
    slave: {
      ...{ learning: flag("learning"), flood: flag("flood"), mcast_flood: flag("mcast_flood") },
      ...{ bcast_flood: flag("bcast_flood"), proxy_arp: flag("proxy_arp") },
      ...{ neigh_suppress: flag("neigh_suppress"), group_fwd_mask: Number.isNaN(mask) ? undefined : mask },
    },
    speaks: (textOf(row.inet6_addr_gen_mode) ?? "none") !== "none",
    userId: typeof data.user === "number" ? data.user : null,
    callsFilter: data.nf_call_iptables === 1 && data.nf_call_ip6tables === 1,
    tunnel: kind === "vxlan" && data.learning === false ? readTunnel(data) : null,
  };
}

const readTunnel = (data: Fields) => ({
  number: numberOf(data.id),
  local: textOf(data.local) ?? textOf(data.local6) ?? "",
  udpPort: numberOf(data.port),
});

/** The tools write some addresses of IPv6 otherwise: ::ffff:10.0.0.1. */
function hostOf(value: unknown): string | null {
  const text = textOf(value);
  return text === null ? null : (canonical(text) ?? text);
}

/** Of `bridge -j fdb show`. */
export const readPlaces = (said: unknown): readonly SeenPlace[] =>
  rowsOf(said).map((row) => ({
    ...{ device: textOf(row.ifname) ?? "", mac: textOf(row.mac) ?? "", host: hostOf(row.dst) },
    ...{ ofDevice: wordsOf(row.flags).includes("self"), state: textOf(row.state) ?? "" },
  }));

/** Of `ip -j neigh show nud permanent`. */
export const readNeighbours = (said: unknown): readonly SeenNeighbour[] =>
  rowsOf(said).map((row) => ({
    device: textOf(row.dev) ?? "",
    address: hostOf(row.dst) ?? "",
    mac: textOf(row.lladdr) ?? "",
    // A word without a value.
    ...(row.router === undefined ? {} : { isRouter: true as const }),
  }));

/** Of `ip -j route show`. */
export const readRoutes = (said: unknown): Seen["routes"] =>
  rowsOf(said).map((row) => ({ device: textOf(row.dev) ?? "", address: textOf(row.dst) ?? "" }));
