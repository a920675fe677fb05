/**
 * What a computer lacks for the driver `bridge`, in sentences that say what to do. It looks, and tries the
 * devices in a namespace of its own that goes with it: nothing of the computer is changed.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { StatusError } from "../../../protocol/wire/status.ts";
import { runTool, toolEnvironment } from "../tool.ts";
import { bridgeNetworkLimits } from "./limits.ts";

/** What is seen of a computer. */
export interface Seeing {
  readonly isRoot: boolean;
  readonly hasProgram: (name: string) => boolean;
  readonly hasTunDevice: boolean;
}

export const tunDevice = "/dev/net/tun";

/** By Debian's package. */
const programs: Readonly<Record<string, readonly string[]>> = {
  iproute2: ["ip", "bridge"],
  nftables: ["nft"],
  conntrack: ["conntrack"],
  "util-linux": ["nsenter", "unshare", "setpriv"],
};

export const insteadOfIt = "or write network: user";

/** Undefined: nothing is missing that can be seen without trying. */
export function lackOf({ isRoot, hasProgram, hasTunDevice }: Seeing): string | undefined {
  if (!isRoot) return `The network driver bridge needs an agent that is root: start it so, ${insteadOfIt}.`;
  const packages = Object.entries(programs).filter(([, names]) => !names.every(hasProgram));
  if (packages.length > 0) {
    const missing = packages.flatMap(([, names]) => names.filter((name) => !hasProgram(name)));
    const install = `apt install ${packages.map(([name]) => name).join(" ")}`;
    return `The network driver bridge needs ${missing.join(", ")}: ${install}, ${insteadOfIt}.`;
  }
  if (hasTunDevice) return undefined;
  const give = "modprobe tun, or give the container the device";
  return `The network driver bridge needs ${tunDevice}: ${give}, ${insteadOfIt}.`;
}

export const lookAround = (): Seeing => ({
  isRoot: process.getuid?.() === 0,
  hasProgram,
  hasTunDevice: statSync(tunDevice, { throwIfNoEntry: false })?.isCharacterDevice() === true,
});

function hasProgram(name: string): boolean {
  return toolEnvironment.PATH.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** All that the driver makes of devices, in a namespace that ends with the try. */
const tries = [
  "link add name nvb0 type bridge mcast_snooping 0 nf_call_iptables 1 nf_call_ip6tables 1",
  "tuntap add dev nvt0 mode tap user 65534 vnet_hdr",
  "link set dev nvt0 master nvb0",
  "link set dev nvt0 type bridge_slave learning off flood off mcast_flood off bcast_flood off proxy_arp on",
  "link add dev nvx0 type vxlan id 1 local 127.0.0.1 dstport 4789 nolearning",
  "link set dev nvx0 master nvb0",
  "link set dev nvx0 type bridge_slave neigh_suppress on",
];

/** @throws StatusError hypervisorRefused, with what the kernel says */
export async function tryDevices(): Promise<void> {
  const { toolTimeoutMs: timeoutMs } = bridgeNetworkLimits;
  const input = `${tries.join("\n")}\n`;
  const argv = ["--net", "ip", "-batch", "-"];
  const { exitCode, errors } = await runTool("unshare", argv, { timeoutMs, input, endsInput: true });
  if (exitCode === 0) return;
  const failed = /Command failed -:(\d+)/.exec(errors)?.[1];
  const line = tries[Number(failed) - 1] ?? "unshare --net";
  const message = `This computer cannot make what the network driver bridge needs (${line}): ${insteadOfIt}.`;
  throw new StatusError("hypervisorRefused", message, { detail: errors.trim().slice(0, 500) });
}
