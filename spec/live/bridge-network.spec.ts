/**
 * The network driver `bridge` on the real kernel: its port's contract, and that the death of whoever holds
 * its namespace, or of an agent between any two of its steps, loses nothing and leaves nothing. Needs root,
 * iproute2, nftables, conntrack and qemu-system-x86_64; skips loudly elsewhere.
 */
import { spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { expect } from "chai";
import { findResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import { openBridgeNetwork } from "../../nodes/drivers/bridge-network/open.ts";
import { isAlive } from "../../nodes/drivers/process-table.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import {
  type BridgeHost,
  makeBridgeHost,
  missingForBridges,
  openBridge,
  passingAll,
  ready,
} from "../support/bridge-host.ts";
import { silentLog, temporaryDirectory } from "../support/driver-world.ts";
import { networkPicture, portPicture, portRecord } from "../support/fabric-pictures.ts";
import { networkContract } from "../support/network-contract.ts";
import { skip } from "../support/services.ts";
import { toldIn } from "../support/told-in.ts";

const never = new AbortController().signal;
const timeoutMs = 60_000;

function missing(): string | undefined {
  if (spawnSync("qemu-system-x86_64", ["--version"]).error !== undefined) return "QEMU is not installed";
  return missingForBridges();
}

describe("the network driver bridge", () => {
  before(function () {
    const why = missing();
    if (why !== undefined) skip(this, why);
  });

  networkContract({
    name: "the network driver bridge",
    timeoutMs,
    makeBench: async () => {
      const host = await makeBridgeHost();
      return {
        network: host.network,
        toldTo: (port) => toldIn(host.stateDirectory, port),
        openDevice: async (device, port) => {
          if (device.kind === "tap") await host.openDevice(device, port);
        },
        restartAgent: host.restartAgent,
        close: host.close,
      };
    },
  });

  it("opens here, and says what it is", async () => {
    const place = await temporaryDirectory();
    const about = { stateDirectory: place.path, clock: systemClock, log: silentLog };
    const network = openBridgeNetwork(about, {}, { filter: passingAll, ready });
    expect(await network.facts()).to.deep.equal({
      ...{ kind: "bridge", mtuBytesMax: 65_521, spansHosts: false, limits: true, outside: [] },
    });
    await network.detach(true);
    const why = "a kernel without what is needed";
    const unready = () => Promise.reject(new StatusError("hypervisorRefused", why));
    const other = openBridgeNetwork(about, {}, { filter: passingAll, ready: unready });
    for (const asked of [other.facts(), other.list()])
      expect(await asked.catch((error: unknown) => error)).to.have.property("message", why);
    await other.detach(true);
    await place.remove();
  });

  describe("whoever dies", function () {
    this.timeout(timeoutMs);
    let host: BridgeHost;
    const ports = [portRecord(1), portRecord(2)];
    const networking = {
      version: 1,
      groups: [],
      networks: [networkPicture([portPicture(1), portPicture(2)])],
    };
    beforeEach(async () => {
      host = await makeBridgeHost();
      for (const port of ports) {
        await host.openDevice(await host.network.ensurePort(port, never), port);
        await host.network.plugged(port.portId, never);
      }
      await host.network.apply(networking, never);
    });
    afterEach(() => host?.close());

    const until = async (what: string, met: () => Promise<boolean>) => {
      const deadlineMs = performance.now() + 20_000;
      while (!(await met())) {
        if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const holderOf = async () => (await findResidents(host.fabric.directory))[0] ?? expect.fail("no holder");
    const fabricOf = ({ pid }: { pid: number }) => readlinkSync(`/proc/${pid}/ns/net`);
    const killed = async (holder: Awaited<ReturnType<typeof holderOf>>) => {
      process.kill(holder.pid, "SIGKILL");
      await until("it is gone", async () => !(await isAlive(holder)));
    };

    it("has all that its picture asks for", async () => {
      expect(await host.lacks(networking, ports)).to.equal(undefined);
    });

    it("leaves the fabric to the agent when it is the holder, and another one holds it", async () => {
      const holder = await holderOf();
      const fabric = fabricOf(holder);
      await killed(holder);
      await until("another one holds it", async () =>
        (await findResidents(host.fabric.directory)).some((one) => fabricOf(one) === fabric),
      );
      expect(await host.lacks(networking, ports)).to.equal(undefined);
      await host.restartAgent();
      await host.network.list();
      expect(fabricOf(await holderOf())).to.equal(fabric);
      expect(await host.lacks(networking, ports)).to.equal(undefined);
    });

    it("leaves the fabric to the holder when it is the agent, whose next life has it as it was", async () => {
      const holder = await holderOf();
      await host.restartAgent();
      expect(await host.network.list()).to.have.length(2);
      expect(await holderOf()).to.deep.equal(holder);
      expect(await host.lacks(networking, ports)).to.equal(undefined);
    });

    it("finds again whatever somebody has changed meanwhile", async () => {
      const mess = [
        ...["link set dev nvt00000000a001 nomaster", "link set dev nvt00000000a002 mtu 1280 alias x down"],
        ...["link set dev nvb00000000f001 mtu 1280", "neigh flush nud permanent dev nvb00000000f001"],
        ...["link add name nvb0000000000ff type bridge", "link add name other type bridge"],
      ];
      const input = mess.map((line) => `${line}\n`).join("");
      const options = { timeoutMs: 10_000, input, endsInput: true };
      await host.fabric.run("ip", ["-force", "-batch", "-"], options);
      await host.fabric.run("bridge", ["-force", "-batch", "-"], {
        ...options,
        input: ["replace 52:54:00:00:01:01", "add 52:54:00:ff:ff:ff"]
          .map((entry) => `fdb ${entry} dev nvt00000000a002 master static\n`)
          .join(""),
      });
      expect(await host.lacks(networking, ports)).not.to.equal(undefined);
      for (const _ of ["once", "twice"]) await host.network.apply(networking, never);
      expect(await host.lacks(networking, ports)).to.equal(undefined);
      const { output } = await host.fabric.run("ip", ["-br", "link"], { timeoutMs: 10_000 });
      expect(output, "what is not ours").to.match(/^other /m);
    });

    it("keeps a tap that its guest has open, and makes one anew when the guest has ended", async () => {
      const indexOf = async () => {
        const said = await host.fabric.run("ip", ["-o", "link", "show", "dev", "nvt00000000a001"], {
          timeoutMs: 10_000,
        });
        return said.output.split(":")[0];
      };
      const before = await indexOf();
      const [port] = ports;
      if (port === undefined) throw new Error("There are two.");
      await host.network.ensurePort(port, never);
      expect(await indexOf()).to.equal(before);
      await host.endOpeners();
      const device = await host.network.ensurePort(port, never);
      expect(await indexOf()).to.equal("");
      await host.openDevice(device, port);
      await host.network.plugged(port.portId, never);
      expect(await host.lacks(networking, ports)).to.equal(undefined);
    });

    it("leaves no namespace and no process when guests and agent end", async () => {
      const residents = await findResidents(host.fabric.directory);
      expect(residents).to.have.length(1);
      await host.endOpeners();
      await host.network.detach(true);
      for (const one of residents) await until("it is gone", async () => !(await isAlive(one)));
      expect(await findResidents(host.fabric.directory)).to.deep.equal([]);
    });
  });

  it("leaves nothing when its agent dies between any two of its steps", async function () {
    this.timeout(300_000);
    const host = await makeBridgeHost();
    try {
      await host.network.list();
      // Else it looks after the fabric as well, by its own picture.
      await host.network.detach(false);
      for (let step = 1; ; step += 1) {
        const program = new URL("../support/dying-bridge.ts", import.meta.url).pathname;
        const child = spawn(process.execPath, [program, host.stateDirectory, String(step)], {
          stdio: ["ignore", "ignore", "inherit"],
        });
        const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
          child.once("exit", (...how) => resolve(how));
        });
        if (code === 0) break;
        expect([code, signal], `step ${step}`).to.deep.equal([null, "SIGKILL"]);
        const { network, fabric } = openBridge({ stateDirectory: host.stateDirectory });
        for (const holding of await network.list()) await network.release(holding, never);
        const empty = { version: 3 * step + 2, networks: [], groups: [] };
        for (const _ of ["once", "twice"]) await network.apply(empty, never);
        const links = (await fabric.run("ip", ["-br", "link"], { timeoutMs: 10_000 })).output;
        const plugs = (await fabric.runAmongPlugs("ip", ["-br", "link"], { timeoutMs: 10_000 })).output;
        expect(
          [...links.matchAll(/^nv\S+/gm), ...plugs.matchAll(/^nv\S+/gm)].flat(),
          `step ${step}`,
        ).to.deep.equal([]);
        await network.detach(false);
      }
    } finally {
      await host.close();
    }
  });
});
