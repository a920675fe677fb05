/** A namespace as `ip -j` describes it. A field that the tool leaves out counts as not set. Pure. */
import { everywhere6 } from "./names.ts";
import type { SpaceState, WantedLink, WantedRoute } from "./space-state.ts";
import { floatingTable } from "./space-state.ts";

export interface SeenSpaceLink extends Omit<WantedLink, "kind"> {
  readonly kind: string;
  readonly mtuBytes: number;
  readonly isUp: boolean;
  /** It gives itself an address of IPv6. */
  readonly speaks: boolean;
}

export interface SpaceSeen extends Omit<SpaceState, "links" | "routes"> {
  readonly links: readonly SeenSpaceLink[];
  /** Without those that the kernel has made for addresses. */
  readonly routes: readonly WantedRoute[];
}

/** Commands of `ip -batch`; their answers come in this order. */
export const spaceQuestions = [
  ...["link show", "addr show", "neigh show nud permanent", "neigh show proxy"],
  ...["route show table all root 0.0.0.0/0", "route show table all root ::/0", "rule show"],
] as const;

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? { ...value } : {};
const rowsOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const wordsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export function readSpace([
  links,
  addresses,
  neighbours,
  proxies,
  routes,
  routes6,
  rules,
]: readonly unknown[]): SpaceSeen {
  return {
    links: rowsOf(links).flatMap(linkOf),
    addresses: rowsOf(addresses).flatMap(({ ifname, addr_info }) =>
      ifname === "lo"
        ? []
        : rowsOf(addr_info).map(({ local, prefixlen }) => ({
            ...{ device: textOf(ifname), address: `${textOf(local)}/${prefixlen}` },
          })),
    ),
    neighbours: rowsOf(neighbours).map(({ dev, dst, lladdr }) => ({
      ...{ device: textOf(dev), address: textOf(dst), mac: textOf(lladdr) },
    })),
    proxies: rowsOf(proxies).map(({ dev, dst }) => ({ device: textOf(dev), address: textOf(dst) })),
    routes: [...rowsOf(routes).flatMap(routeOf), ...rowsOf(routes6).flatMap(routeOf6)],
    rules: rowsOf(rules).map(({ priority, table }) => `${priority} ${textOf(table)}`),
  };
}

function linkOf(row: Fields): readonly SeenSpaceLink[] {
  const [flags, name] = [wordsOf(row.flags), textOf(row.ifname)];
  if (name === "lo") return [];
  return [
    {
      ...{ name, kind: textOf(fieldsOf(row.linkinfo).info_kind), mac: textOf(row.address) },
      ...{ mtuBytes: Number(row.mtu), asks: !flags.includes("NOARP"), isUp: flags.includes("UP") },
      alias: typeof row.ifalias === "string" ? row.ifalias : null,
      speaks: (textOf(row.inet6_addr_gen_mode) || "none") !== "none",
    },
  ];
}

/** Both families have a `default`; only rows of IPv6 say how much a route is preferred. */
const routeOf6 = (row: Fields): readonly WantedRoute[] =>
  row.pref === undefined ? [] : routeOf({ ...row, dst: row.dst === "default" ? everywhere6 : row.dst });

function routeOf(row: Fields): readonly WantedRoute[] {
  const table = textOf(row.table) || "main";
  if (row.protocol === "kernel" || (table !== "main" && table !== floatingTable)) return [];
  const [dev, gateway] = [textOf(row.dev), textOf(row.gateway)];
  const isDead = row.type === "unreachable";
  return [
    {
      ...{ table, destination: textOf(row.dst), via: gateway === "" ? null : gateway },
      device: isDead || dev === "" ? null : dev,
    },
  ];
}
