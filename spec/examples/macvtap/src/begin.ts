/**
 * Whether a computer has what the driver needs, in sentences that say what to do: said when the agent starts,
 * and not to the first guest. Each device is tried, since one that belongs to a bridge takes no macvtap.
 */
import { accessSync, constants } from "node:fs";
import { StatusError } from "novact/plugin";
import type { Kernel } from "./kernel.ts";
import { triedName } from "./names.ts";
import type { MacvtapOptions } from "./options.ts";

const directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Undefined: nothing is missing that can be seen without trying. */
export function lackOf(isRoot = process.getuid?.() === 0, isProgram = hasProgram): string | undefined {
  if (!isRoot) return "The network driver macvtap needs an agent that is root.";
  const missing = ["ip", "mknod"].filter((name) => !isProgram(name));
  if (missing.length === 0) return undefined;
  return `The network driver macvtap needs ${missing.join(", ")}: apt install iproute2 coreutils.`;
}

const hasProgram = (name: string): boolean =>
  directories.some((directory) => {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** @throws StatusError hypervisorRefused */
export async function tryDevices(kernel: Kernel, { devices }: MacvtapOptions, hostId: string): Promise<void> {
  for (const [physicalNetwork, device] of Object.entries(devices)) {
    const mtuBytes = kernel.mtuBytesOf(device);
    if (mtuBytes === undefined) {
      const where = `which cluster.yaml says for the physical network ${physicalNetwork}`;
      throw new StatusError("hypervisorRefused", `This computer has no device ${device}, ${where}.`);
    }
    const name = triedName(hostId);
    await kernel.remove([name]);
    // The macvtap stays closed until its end: no other machine sees the address.
    await kernel.make({ name, device, mtuBytes, mac: "02:00:00:00:00:01", alias: "novact.macvtap/try" });
    try {
      await kernel.fileOf(name);
    } finally {
      await kernel.remove([name]);
    }
  }
}
