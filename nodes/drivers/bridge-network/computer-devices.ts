/**
 * The devices of the computer that the nodes of one cluster share when they have Linux's bridges: a pair on
 * which the nodes reach each other, and a pair whose one end is the computer's, by which it and the guests'
 * floating addresses reach each other. Nodes put devices of their own on the other ends. All of them have
 * the cluster's mark in their names; nothing else of the computer's network is ever touched.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { runTool } from "../tool.ts";
import { bridgeNetworkLimits } from "./limits.ts";

export interface ComputerDevices {
  /** The parent of the nodes' devices on their underlay. */
  readonly underlay: string;
  /** The parent of the nodes' devices outside. */
  readonly outside: string;
  /** The other end of `underlay`, which has no address. */
  readonly underlayPeer: string;
  /** The other end of `outside`: the computer's own. */
  readonly computer: string;
}

const hashOf = (...texts: readonly string[]): string =>
  createHash("sha256").update(texts.join("\0")).digest("hex");

/** Of clusters of before 0.3, by their path: two containers on one network may have the same. */
export const markOfPath = (stateDirectory: string): string =>
  hashOf(realpathSync(stateDirectory)).slice(0, 8);

/** The devices of the cluster with this mark, which is 8 hexadecimal digits. */
export const deviceNames = (mark: string): ComputerDevices => ({
  ...{ underlay: `nva${mark}`, underlayPeer: `nvb${mark}` },
  ...{ outside: `nvc${mark}`, computer: `nvd${mark}` },
});

/** What the underlay's device is also called: the directory, as this container knows it. */
const aliasOf = (stateDirectory: string): string =>
  `novact ${hashOf(readlinkSync("/proc/self/ns/mnt"), realpathSync(stateDirectory)).slice(0, 32)}`;

/**
 * A mark for a cluster that has none: of devices that it has left, so that these have a use again, else a new
 * one. `isOld`: a version of before may have left devices named for the path.
 */
export async function findMark(stateDirectory: string, isOld: boolean): Promise<string> {
  const byPath = markOfPath(stateDirectory);
  if (isOld && (await isThere(deviceNames(byPath).underlay))) return byPath;
  const alias = aliasOf(stateDirectory);
  const listed = await run(["-o", "link", "show", "type", "veth"]);
  for (const line of listed.output.split("\n")) {
    const left = / nva([0-9a-f]{8})@.*\\ +alias (.*)$/.exec(line);
    if (left?.[1] !== undefined && left[2]?.trim() === alias) return left[1];
  }
  return randomBytes(4).toString("hex");
}

/** Largest packets that Linux gives to such a pair, so that a network of any size fits in. */
const underlayMtuBytes = 65_535;

const run = (argv: readonly string[], input?: string) =>
  runTool("ip", argv, {
    timeoutMs: bridgeNetworkLimits.toolTimeoutMs,
    ...(input === undefined ? {} : { input, endsInput: true }),
  });

/**
 * Makes what is missing, and leaves what is there: nodes of before may have devices on it. Answers what is
 * wrong; undefined: nothing. `address`: of the computer, with its prefix.
 */
export async function makeDevices(
  names: ComputerDevices,
  { stateDirectory, address }: { readonly stateDirectory: string; readonly address: string },
): Promise<string | undefined> {
  const pairs = [
    { one: names.underlay, other: names.underlayPeer, mtu: ` mtu ${underlayMtuBytes}` },
    { one: names.outside, other: names.computer, mtu: "" },
  ];
  const lines: string[] = [];
  for (const { one, other, mtu } of pairs) {
    if (!(await isThere(one))) lines.push(`link add name ${one}${mtu} type veth peer name ${other}${mtu}`);
    for (const end of [one, other]) {
      // Only the end that has an address speaks.
      lines.push(`link set dev ${end} addrgenmode none`, `link set dev ${end} up`);
    }
  }
  lines.push(`link set dev ${names.underlay} alias "${aliasOf(stateDirectory)}"`);
  lines.push(`addr replace ${address} dev ${names.computer}`);
  const { exitCode, errors } = await run(["-batch", "-"], `${lines.join("\n")}\n`);
  if (exitCode !== 0) return errors.trim().split("\n")[0] ?? "ip fails";
  for (const name of Object.values(names)) closeToOthers(name, { speaks: name === names.computer });
  return undefined;
}

/**
 * What guests send to the computer goes no further, also where it forwards for others. An end that does not
 * speak answers for no address of the computer's. Numbers: Linux's networking/ip-sysctl.
 */
function closeToOthers(device: string, { speaks }: { readonly speaks: boolean }): void {
  const own = (family: string, setting: string) => `/proc/sys/net/${family}/conf/${device}/${setting}`;
  writeFileSync(own("ipv4", "forwarding"), "0");
  if (!speaks) writeFileSync(own("ipv4", "arp_ignore"), "8");
  // A kernel without IPv6 has nothing to close.
  if (existsSync(own("ipv6", "disable_ipv6"))) writeFileSync(own("ipv6", "disable_ipv6"), "1");
}

const isThere = async (name: string): Promise<boolean> =>
  (await run(["link", "show", "dev", name])).exitCode === 0;

/** Removes both pairs; devices of nodes on these go as well. @throws Error with what ip says */
export async function removeDevices({ underlay, outside }: ComputerDevices): Promise<void> {
  for (const name of [underlay, outside]) {
    if (!(await isThere(name))) continue;
    const { exitCode, errors } = await run(["link", "del", "dev", name]);
    if (exitCode !== 0) throw new Error(`${name}: ${errors.trim()}`);
  }
}
