/**
 * The contract of drivers that route, for the driver `bridge` on the real kernel and with its rules: QEMU
 * opens the taps, and hands their frames to the spec. Needs root, iproute2, nftables, conntrack and
 * qemu-system-x86_64; skips loudly elsewhere.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { makeBridgeHost, missingForBridges } from "../support/bridge-host.ts";
import { FakeNic } from "../support/fake-nic.ts";
import { routingContract } from "../support/routing-contract.ts";
import { skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

function missing(): string | undefined {
  if (spawnSync("qemu-system-x86_64", ["--version"]).error !== undefined) return "QEMU is not installed";
  return missingForBridges();
}

describe("the network driver bridge with routers", () => {
  before(function () {
    const why = missing();
    if (why !== undefined) skip(this, why);
  });

  routingContract({
    name: "the network driver bridge",
    timeoutMs: 60_000,
    makeBench: async () => {
      const host = await makeBridgeHost({ filter: packetFilter({ clock: systemClock, log: silentLog }) });
      const cards: FakeNic[] = [];
      const hypervisors: ChildProcess[] = [];
      return {
        network: host.network,
        plugCard: async (device, { portId }) => {
          if (device.kind !== "tap") throw new Error("It is a tap.");
          const path = join(host.fabric.directory, `${portId}.socket`);
          const card = await FakeNic.listen(path);
          cards.push(card);
          const argv = [
            ...["-machine", "none", "-nodefaults", "-display", "none"],
            ...["-netdev", `tap,id=t,ifname=${device.name},script=no,downscript=no,vnet_hdr=off`],
            ...["-netdev", `stream,id=s,server=off,addr.type=unix,addr.path=${path}`],
            ...["-netdev", "hubport,id=a,hubid=0,netdev=t", "-netdev", "hubport,id=b,hubid=0,netdev=s"],
          ];
          const entrance = `--net=${device.namespace}`;
          const child = spawn("nsenter", [entrance, "qemu-system-x86_64", ...argv], { stdio: "ignore" });
          hypervisors.push(child);
          await card.until(() => card.isConnected);
          return card;
        },
        restartAgent: host.restartAgent,
        close: async () => {
          for (const child of hypervisors) child.kill("SIGKILL");
          for (const card of cards) await card.close();
          await host.close();
        },
      };
    },
  });
});
