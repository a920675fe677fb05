/**
 * An operator's own network: a namespace with a switch, a server on it (10.9.0.1, DHCP), and cables to this
 * computer, whose ends here are what an operator has as `eth1`. Nothing of it is novact's.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { makeNamespace } from "../../nodes/drivers/network-namespace.ts";
import { systemClock } from "../../nodes/process/clock.ts";

/** Of the server. */
export const providerAddress = "10.9.0.1";
const patienceMs = 20_000;

export async function makeProviderNetwork(cables: number) {
  const namespace = await makeNamespace(systemClock);
  const path = `/proc/${process.pid}/fd/${namespace.fd}`;
  const run = (program: string, ...argv: string[]): string =>
    execFileSync(program, argv, { encoding: "utf8", timeout: patienceMs });
  const inside = (...argv: string[]) => run("nsenter", `--net=${path}`, "ip", ...argv);
  inside("link", "add", "name", "switch", "type", "bridge");
  inside("addr", "add", `${providerAddress}/24`, "dev", "switch");
  inside("link", "set", "dev", "switch", "up");
  inside("route", "add", "default", "dev", "switch");
  const devices = Array.from({ length: cables }, () => `mvp${randomBytes(4).toString("hex")}`);
  for (const device of devices) {
    run("ip", "link", "add", "name", device, "type", "veth", "peer", "name", device, "netns", path);
    run("ip", "link", "set", "dev", device, "addrgenmode", "none", "up");
    inside("link", "set", "dev", device, "master", "switch", "up");
  }
  const servers: ChildProcess[] = [];
  return {
    devices,
    /** `leases`: addresses by MAC. Resolves when it answers. */
    serveDhcp: async (leases: Readonly<Record<string, string>>): Promise<void> => {
      const program = new URL("./provider-dhcp.ts", import.meta.url).pathname;
      const words = Object.entries(leases).map(([mac, address]) => `${mac}=${address}/24`);
      const argv = [`--net=${path}`, process.execPath, program, ...words];
      const server = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
      servers.push(server);
      await Promise.race([
        once(server.stdout, "data"),
        once(server, "exit").then(() => Promise.reject(new Error("The DHCP server has ended."))),
      ]);
    },
    close: async () => {
      for (const server of servers) {
        const ended = once(server, "exit");
        server.kill("SIGKILL");
        await ended;
      }
      // With each go its other end, and the macvtaps on it.
      for (const device of devices) run("ip", "link", "del", "dev", device);
      await namespace.close();
    },
  };
}
export type ProviderNetwork = Awaited<ReturnType<typeof makeProviderNetwork>>;
