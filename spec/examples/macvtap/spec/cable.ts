/**
 * A cable that stands for the operator's device: both its ends are on this computer. Without root or iproute2
 * the specs that need one are skipped, and say so.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { LinuxKernel } from "../src/linux.ts";
import { prefixOf } from "../src/names.ts";

const run = (argv: readonly string[]) => spawnSync("ip", argv, { encoding: "utf8", timeout: 20_000 });

/** Why this computer can have no cable; undefined: a cable can be made. */
export function whyNoCable(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  const name = `mvc${randomBytes(4).toString("hex")}`;
  const { error, status, stderr } = run(["link", "add", name, "type", "veth", "peer", "name", `${name}p`]);
  if (error !== undefined) return "iproute2 is not installed";
  if (status !== 0) return `no veth can be made here: ${stderr.trim()}`;
  const tried = run(["link", "add", "link", name, "name", `${name}m`, "type", "macvtap", "mode", "bridge"]);
  run(["link", "del", name]);
  return tried.status === 0 ? undefined : `no macvtap can be made here: ${tried.stderr.trim()}`;
}

/** A cable, and the kernel of a host on one end of it. */
export function layCable() {
  const tail = randomBytes(4).toString("hex");
  const [device, far, hostId] = [`mvc${tail}`, `mvf${tail}`, `host-${tail}`];
  const ip = (...argv: readonly string[]) => execFileSync("ip", argv, { encoding: "utf8", timeout: 20_000 });
  ip("link", "add", device, "type", "veth", "peer", "name", far);
  for (const end of [device, far]) ip("link", "set", "dev", end, "addrgenmode", "none", "up");
  const files = join("/dev/novact-macvtap", hostId);
  const handles: FileHandle[] = [];
  return {
    ...{ device, far, hostId, files, ip, kernel: new LinuxKernel(files) },
    /** As who starts a hypervisor does. */
    open: async (path: string): Promise<FileHandle> => {
      const handle = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
      handles.push(handle);
      return handle;
    },
    /** Names of the host's macvtaps, as the kernel says them. */
    names: (): readonly string[] => {
      const said = JSON.parse(ip("-j", "link", "show", "type", "macvtap") || "[]") as { ifname?: string }[];
      return said.flatMap(({ ifname = "" }) => (ifname.startsWith(prefixOf(hostId)) ? [ifname] : []));
    },
    close: async () => {
      for (const handle of handles) await handle.close();
      // With it go the other end, and the macvtaps on it.
      run(["link", "del", device]);
      await rm(files, { recursive: true, force: true });
    },
  };
}
export type Cable = ReturnType<typeof layCable>;
