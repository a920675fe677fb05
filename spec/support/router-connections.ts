/** Connections that the kernel keeps in the routers and ways outside of a host. Needs root. */
import { spawnSync } from "node:child_process";
import { findKeepers } from "../../nodes/drivers/bridge-network/holder.ts";

/** Lines of conntrack. `directory`: of the host's fabric. */
export async function routerConnections(directory: string, address: string): Promise<readonly string[]> {
  const keepers = await findKeepers(directory);
  return keepers.flatMap(({ process: { pid } }) => {
    const argv = [`--net=/proc/${pid}/ns/net`, "conntrack", "-L"];
    const { stdout } = spawnSync("nsenter", argv, { encoding: "utf8" });
    return stdout.split("\n").filter((line) => line.includes(`=${address} `));
  });
}
