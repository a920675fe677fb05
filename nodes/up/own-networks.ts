/**
 * Which network driver the nodes get whose configuration leaves it to `npm start`: `bridge` where `up` is
 * root and the computer has all that it needs, else `user`, and why. What the nodes share for it is made
 * here, and taken away when no guest is left that runs. Nothing here may keep a cluster from starting.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type ClusterConfig, type NodeConfig, statePaths } from "../config/config.ts";
import type { NetworkChoice } from "../config/network-choice.ts";
import { systemClock } from "../process/clock.ts";
import { writeStateFile } from "../process/state-file.ts";
import {
  computerAddress,
  freeRange,
  type OutsideRange,
  outsideAddress,
  outsideNetwork,
  outsideRangeOf,
  placed,
  routedRanges,
  underlayAddress,
} from "./outside-range.ts";

/** The choice of an earlier start. */
interface Kept {
  readonly driver: "user" | "bridge";
  /** The number of the range outside. */
  readonly range?: number;
  /** In the names of shared devices. Absent: none are made, or a version of before has named them. */
  readonly mark?: string;
  /** By name of a node, on which its addresses depend; those of removed nodes whose directories are left. */
  readonly places?: Readonly<Record<string, number>>;
}

export interface OwnNetworks {
  /** By node; absent: what its configuration says. */
  readonly choices: ReadonlyMap<string, NetworkChoice>;
  /** Where routers lead outside; absent: nowhere. */
  readonly outside?: WayOutside;
}

export interface WayOutside {
  /** What the operator's network is called. */
  readonly physicalNetwork: string;
  /** Absent: guests go out with the computer's address, and there are no floating addresses. */
  readonly range?: OutsideRange;
}

/** Chooses, says it in a line, and makes what the nodes share. Never rejects. */
export async function chooseNetworks(
  config: ClusterConfig,
  say: (text: string) => void,
): Promise<OwnNetworks> {
  try {
    return await choose(config, say);
  } catch (error) {
    say(`networks are as cluster.yaml says: ${(error as Error).message}`);
    return { choices: new Map() };
  }
}

async function choose(config: ClusterConfig, say: (text: string) => void): Promise<OwnNetworks> {
  const left = config.nodes.filter(({ leavesNetwork }) => leavesNetwork);
  if (left.length === 0) return { choices: new Map() };
  const kept = readKept(config);
  const before = kept?.driver ?? (existsSync(join(config.stateDirectory, "nodes")) ? "user" : undefined);
  const lack = await lackOf(config);
  const wanted = lack === undefined ? "bridge" : "user";
  if (before !== undefined && before !== wanted && (await hasGuests(config))) {
    const why = `guests of before run on with it; ${wanted} is taken by a start after Ctrl-C has ended them.`;
    if (before === "user") return useUser(config, left, why, say);
    // Another driver's agents would not know the guests' rules: nodes try again until it goes.
    say(`guests that run have the network driver bridge, which does not go now: ${lack}`);
    return useBridge(config, left, { kept, isKept: true }, say);
  }
  if (lack !== undefined) return useUser(config, left, lack, say);
  return useBridge(config, left, { kept, isKept: before === "bridge" && (await hasGuests(config)) }, say);
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Why it is not `bridge`; undefined: it is. */
async function lackOf({ nodes, nats }: ClusterConfig): Promise<string | undefined> {
  if (!isRoot()) return "npm start is not root's.";
  if (nats.url !== undefined)
    return "nats.url names a server of others, whose hosts only an underlay of cluster.yaml would reach.";
  const named = nodes.find(({ leavesNetwork, pretends }) => !leavesNetwork && !pretends);
  if (named !== undefined)
    return `${named.name} names its network driver, and all nodes are to reach each other.`;
  const { lackOfBridges } = await leftNetworks();
  return lackOfBridges(systemClock);
}

function useUser(
  config: ClusterConfig,
  left: readonly NodeConfig[],
  why: string,
  say: (text: string) => void,
): OwnNetworks {
  say(`networks by the driver user: ${why}`);
  keep(config, { ...readKept(config), driver: "user" });
  // Who is root would read guests' packets with root's rights, which the driver refuses.
  const options = isRoot() ? {} : { outside: [outsideNetwork] };
  const choices = left.map(({ name }): [string, NetworkChoice] => [name, { driver: "user", options, why }]);
  const outside = isRoot() ? {} : { outside: { physicalNetwork: outsideNetwork } };
  return { choices: new Map(choices), ...outside };
}

async function useBridge(
  config: ClusterConfig,
  left: readonly NodeConfig[],
  { kept, isKept }: Before,
  say: (text: string) => void,
): Promise<OwnNetworks> {
  const { deviceNames, findMark, makeDevices } = await leftNetworks();
  const { stateDirectory } = config;
  const mark = kept?.mark ?? (await findMark(stateDirectory, kept?.driver === "bridge"));
  const names = deviceNames(mark);
  const range = freeRange(stateDirectory, rangesBeside(names.computer), kept?.range);
  if (range === undefined) return useUser(config, left, "every range of 198.19.0.0/16 is taken.", say);
  if (kept?.range !== undefined && kept.range !== range)
    say(`198.19.${kept.range}.0/24 is another's now: floating addresses of before are not reached any more`);
  const places = placesOf(config, kept?.places);
  // Before the devices: who finds no choice takes none of them away.
  keep(config, { driver: "bridge", range, places, mark });
  const own = { stateDirectory, address: computerAddress(range) };
  const wrong = await makeDevices(names, own).catch((error: unknown) => String(error));
  if (wrong !== undefined && !isKept)
    return useUser(config, left, `the nodes' devices cannot be made: ${wrong}.`, say);
  const why = "npm start is root's, and this computer has all that it needs.";
  say(`networks by the driver bridge: ${wrong ?? why}`);
  const choices = left.map(({ name }): [string, NetworkChoice] => {
    const index = places[name] ?? 0;
    const address = outsideAddress(range, index);
    const options = {
      underlayOn: { device: names.underlay, address: underlayAddress(index) },
      ...(address && { outside: { [outsideNetwork]: { device: names.outside, address } } }),
    };
    return [name, { driver: "bridge", options, why }];
  });
  return {
    choices: new Map(choices),
    outside: { physicalNetwork: outsideNetwork, range: outsideRangeOf(range) },
  };
}

interface Before {
  readonly kept: Kept | undefined;
  /** The driver is kept: guests run with it. */
  readonly isKept: boolean;
}

/** Of all devices of the computer but the cluster's own, and of its routes. */
const rangesBeside = (own: string): readonly string[] => [
  ...Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    name === own ? [] : addresses.flatMap(({ cidr }) => cidr ?? []),
  ),
  ...routedRanges(readFileSync("/proc/net/route", "utf8"), own),
];

/** The number of each node. A removed node keeps its number as long as its directory is there. */
function placesOf(config: ClusterConfig, kept: Kept["places"] = {}): Readonly<Record<string, number>> {
  const isLeft = (name: string) => existsSync(statePaths(config).node(name));
  const names = new Set(config.nodes.map(({ name }) => name));
  const old = Object.entries(kept).filter(([name]) => names.has(name) || isLeft(name));
  return placed(Object.fromEntries(old), [...names]);
}

/** State directories of the nodes, also of those that the configuration has no more. */
function directoriesOf(config: ClusterConfig): readonly string[] {
  const all = join(config.stateDirectory, "nodes");
  const left = existsSync(all) ? readdirSync(all) : [];
  const names = new Set([...left, ...config.nodes.map(({ name }) => name)]);
  return [...names].map((name) => statePaths(config).node(name));
}

/**
 * Takes away what the nodes have shared, and what killed agents have left of their networks. While a guest
 * runs, all of it stays, for the next start. Never rejects.
 */
export async function endNetworks(config: ClusterConfig, say: (text: string) => void): Promise<void> {
  const kept = readKept(config);
  if (!isRoot() || kept === undefined) return;
  try {
    if (await hasGuests(config)) return;
    const { endFabrics, deviceNames, markOfPath, removeDevices } = await leftNetworks();
    await endFabrics(directoriesOf(config));
    const byPath = markOfPath(config.stateDirectory);
    const { mark = byPath, ...rest } = kept;
    await removeDevices(deviceNames(mark));
    // A name of before is not the cluster's alone: the next start has another.
    if (mark === byPath) keep(config, rest);
  } catch (error) {
    say(`devices of the nodes' networks stay: ${(error as Error).message}`);
  }
}

async function hasGuests(config: ClusterConfig): Promise<boolean> {
  const { anyGuestRuns } = await leftNetworks();
  return anyGuestRuns(directoriesOf(config));
}

/** Loaded when it is needed: `up` itself runs no guests. */
const leftNetworks = () => import("../drivers/left-networks.ts");

const fileOf = ({ stateDirectory }: Pick<ClusterConfig, "stateDirectory">): string =>
  join(stateDirectory, "network.json");

function keep(config: ClusterConfig, kept: Kept): void {
  writeStateFile(fileOf(config), `${JSON.stringify(kept)}\n`);
}

/** Undefined: nothing was chosen yet, or the file is damaged, and a choice is made anew. */
function readKept(config: ClusterConfig): Kept | undefined {
  try {
    const kept: Partial<Kept> | null = JSON.parse(readFileSync(fileOf(config), "utf8"));
    if (kept?.driver !== "user" && kept?.driver !== "bridge") return undefined;
    const { driver, range, places, mark } = kept;
    return {
      ...{ driver, ...(isRange(range) ? { range } : {}), ...(arePlaces(places) ? { places } : {}) },
      ...(isMark(mark) ? { mark } : {}),
    };
  } catch {
    return undefined;
  }
}

const arePlaces = (places: unknown): places is Readonly<Record<string, number>> =>
  typeof places === "object" && places !== null && Object.values(places).every(Number.isSafeInteger);

const isMark = (mark: unknown): mark is string => typeof mark === "string" && /^[0-9a-f]{8}$/.test(mark);

const isRange = (range: unknown): range is number =>
  typeof range === "number" && Number.isInteger(range) && range >= 0 && range < 256;
