/**
 * What a node's driver `bridge` has in the kernel, asked beside the driver by the kernel's own tools: for
 * specs that want to know whether anything was left behind.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import {
  findKeepers,
  findResidents,
  namespacesOf,
  plugsPath,
} from "../../nodes/drivers/bridge-network/holder.ts";
import { ownNamespace } from "../../nodes/drivers/network-namespace.ts";

export interface FabricCount {
  /** Names of bridges, taps and tunnels, and of taps that no hypervisor has brought into the fabric. */
  readonly devices: readonly string[];
  readonly plugs: readonly string[];
  /** Elements of each set and map of the rules, of those that do not go by themselves. */
  readonly elements: Readonly<Record<string, number>>;
  readonly routes: readonly string[];
  readonly neighbours: readonly string[];
  /** Of its connections. */
  readonly zones: readonly string[];
  /** Namespaces of routers and of ways outside. */
  readonly spaces: readonly string[];
  /** Files of ports in its state directory. */
  readonly records: readonly string[];
}

/** @throws Error when nobody holds the fabric, or a tool complains */
export async function countFabric(stateDirectory: string): Promise<FabricCount> {
  const directory = realpathSync(join(stateDirectory, "network/fabric"));
  const own = await ownNamespace();
  for (const resident of await findResidents(directory)) {
    const namespaces = await namespacesOf(resident, own);
    const holds = namespaces?.fabric !== undefined && namespaces.plugs !== undefined;
    await Promise.all([namespaces?.fabric?.close(), namespaces?.plugs?.close()]);
    if (!holds) continue;
    const [inside, outside] = [`/proc/${resident.pid}/ns/net`, plugsPath(resident.pid)];
    const records = readdirSync(join(stateDirectory, "network/ports"));
    const spaces = (await findKeepers(directory)).map(({ space }) => space).sort();
    return { ...countIn(inside), plugs: devicesIn(outside), spaces, records: records.sort() };
  }
  throw new Error("Nobody holds the fabric.");
}

const devicesIn = (path: string): readonly string[] =>
  lines(path, "ip", "-br", "link")
    .flatMap((line) => /^nv[^\s@]+/.exec(line) ?? [])
    .sort();

function countIn(path: string): Omit<FabricCount, "plugs" | "spaces" | "records"> {
  const ours = (text: readonly string[]) => text.filter((line) => / dev nv/.test(line)).sort();
  return {
    devices: devicesIn(path),
    elements: elementsOf(JSON.parse(lines(path, "nft", "-j", "list", "ruleset").join("\n"))),
    routes: ours(lines(path, "ip", "route", "show")),
    neighbours: ours(lines(path, "ip", "neigh", "show", "nud", "permanent")),
    zones: [...new Set(lines(path, "conntrack", "-L").flatMap((line) => /zone=(\d+)/.exec(line)?.[1] ?? []))],
  };
}

interface Said {
  readonly nftables: readonly Readonly<
    Record<string, { readonly name?: string; readonly elem?: readonly unknown[]; readonly flags?: string[] }>
  >[];
}

const elementsOf = ({ nftables }: Said): Readonly<Record<string, number>> =>
  Object.fromEntries(
    nftables
      .flatMap((one) => one.set ?? one.map ?? [])
      .filter(({ flags = [] }) => !flags.includes("timeout"))
      .map(({ name = "", elem = [] }) => [name, elem.length])
      .filter(([, count]) => count !== 0),
  );

function lines(path: string, ...argv: readonly string[]): readonly string[] {
  const options = { encoding: "utf8", maxBuffer: 64 * 1_024 * 1_024 } as const;
  const { status, stdout, stderr } = spawnSync("nsenter", [`--net=${path}`, ...argv], options);
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  return stdout.split("\n").filter((line) => line.trim() !== "");
}
