/** Connections that the kernel keeps in the routers and ways outside of a host. Needs root. */
import { spawnSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";

/** Lines of conntrack. `directory`: of the host's fabric. */
export async function routerConnections(directory: string, address: string): Promise<readonly string[]> {
  return sleepersOf(directory).flatMap((pid) => {
    const argv = [`--net=/proc/${pid}/ns/net`, "conntrack", "-L"];
    const { stdout } = spawnSync("nsenter", argv, { encoding: "utf8" });
    return stdout.split("\n").filter((line) => line.includes(`=${address} `));
  });
}

/**
 * Processes that hold the host's routers. The host may have mounts of its own: where this process has another
 * root than the computer, the kernel writes more in front of their paths.
 */
function sleepersOf(directory: string): readonly string[] {
  const cwdOf = (pid: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`);
    } catch {
      return "";
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids.filter((pid) => cwdOf(pid).includes(`${directory}/spaces/`));
}
