/**
 * Whoever has a part in a node's bridges is killed, at moments by chance, while ports are made and released,
 * and a router of the guests' network that leads outside, with a floating address: the agent, the responder,
 * the process that holds the fabric, and those that hold the router and its way outside. Meanwhile two guests
 * ping each other, and lose no packet; and at the end the kernel has what it had before, and the doctor finds
 * nothing. Real PostgreSQL, NATS and QEMU. Needs root; skips loudly elsewhere. `SEED` runs the same moments
 * again.
 *
 * NOVACT_NETWORKS=full kills fifty times; otherwise eight.
 */
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { findKeepers, findResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import { readResponderProcess, responderFiles } from "../../nodes/responder/state.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { Random } from "../simulator/random.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { countFabric, type FabricCount } from "../support/fabric-count.ts";
import { haltingDisk } from "../support/halting-image.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { shortened, skip } from "../support/services.ts";
import { startAgentOf } from "../support/tiny-node.ts";

const full = process.env.NOVACT_NETWORKS === "full";
const kills = full ? 50 : 8;
const seed = Number(process.env.SEED ?? randomInt(1_000_000));
const node = "node-1";
const addresses = ["10.9.0.11", "10.9.0.12"];
const patient = { timeoutMs: 120_000 };
/** A create or a delete of such a guest takes about as long; a router is made and gone sooner. */
const momentMsMax = { port: 2_000, router: 700 } as const;
const victims = ["agent", "responder", "holder", "sleeper"] as const;
/** The operator's network, on a cable that leads to nobody. */
const device = `nk${process.pid}`;
const outside = { device, address: "203.0.113.7/24" };

describe("those who have a part in a node's bridges", function () {
  this.timeout(kills * 40_000 + 200_000);
  let cluster: LiveCluster;
  let agent: NodeProcess;
  let file = "";
  let demo: Novact;
  let before_: FabricCount;
  const pingers: Instance[] = [];
  const random = new Random(String(seed));

  const startAgent = async () => {
    agent = await startAgentOf(node, file);
  };
  before(async function () {
    const [missing, guest] = [missingForGuests() ?? missingForBridges(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    execFileSync("ip", ["link", "add", device, "type", "veth", "peer", "name", `${device}e`]);
    for (const end of [device, `${device}e`]) execFileSync("ip", ["link", "set", end, "up"]);
    if (!full) shortened("eight kills of agent, responder and holder", "NOVACT_NETWORKS=full");
    const network = { driver: "bridge", options: { outside: { public: outside } } };
    cluster = await startLiveCluster(this, undefined, {
      nodes: [{ name: node, accelerator: "tcg", network }],
      imageSources: guest.directory,
      start: (cluster) => {
        file = cluster;
        return startAgent();
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    const path = join(cluster.imageSources, "halt.raw");
    writeFileSync(path, haltingDisk());
    const { kernel, ramdisk, commandLine } = guest;
    await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
    await admin.image.register({
      ...{ name: "tiny", kernel: { path: kernel }, ramdisk: { path: ramdisk }, commandLine },
    });
    await admin.image.register({ name: "halt", disk: { path, format: "raw" } });
    await demo.network.create({ name: "net" });
    await demo.subnet.create({ name: "net", network: "net", cidr: "10.9.0.0/24" });
    await admin.network.create({ name: "public", external: true, physicalNetwork: "public" });
    await admin.subnet.create({ name: "public", network: "public", cidr: "203.0.113.0/24" });
    for (const [index, address] of addresses.entries()) {
      const script = `#!/bin/sh\nexec ping ${addresses[1 - index]}\n`;
      const { instance } = await demo.instance.create({
        ...{
          name: `pinger-${index}`,
          flavor: "tiny",
          image: "tiny",
          networks: [{ network: "net", address }],
        },
        ...{ userData: Buffer.from(script).toString("base64"), wait: true },
      });
      pingers.push(instance);
    }
  });
  after(async () => {
    await demo?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
    // The cable's other end goes with this one.
    if (existsSync(`/sys/class/net/${device}`)) execFileSync("ip", ["link", "delete", device]);
  });

  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 120_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await pause(100);
    }
  };
  const directory = () => realpathSync(join(cluster.state(node), "network/fabric"));
  /** The numbers of the packets that came back. */
  const answered = async ({ id }: Instance) => {
    const { text } = await demo.instance.console(id, { tailLines: 4_000 });
    return [...text.matchAll(/bytes from \S+ seq=(\d+) /g)].map(([, number]) => Number(number));
  };
  const pidOf = async (victim: (typeof victims)[number]): Promise<number | undefined> => {
    if (victim === "agent") return agent.pid;
    const responder = (await readResponderProcess(join(directory(), responderFiles.process)))?.pid;
    if (victim === "responder") return responder;
    if (victim === "sleeper") return (await findKeepers(directory()))[0]?.process.pid;
    return (await findResidents(directory())).find(({ pid }) => pid !== responder)?.pid;
  };
  const kill = async (victim: (typeof victims)[number]) => {
    const pid = await pidOf(victim);
    // It may have been killed a moment ago, and is not begun again yet.
    if (pid === undefined) return false;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      return false;
    }
    if (victim === "agent") {
      await agent.ended;
      await startAgent();
    }
    return true;
  };
  const struck = new Map<string, number>();
  const duringWhich = async (what: keyof typeof momentMsMax, work: Promise<unknown>) => {
    const victim = victims[random.whole(0, victims.length - 1)] ?? "agent";
    await pause(random.whole(0, momentMsMax[what]));
    if (await kill(victim)) struck.set(victim, (struck.get(victim) ?? 0) + 1);
    await work;
  };
  const spaces = async () => (await findKeepers(directory())).map(({ space }) => space.replace(/-.*/, ""));
  const makeRouter = async () => {
    await demo.router.create({ name: "router", externalNetwork: "public" }, patient);
    await demo.router.addInterface("router", { subnet: "net" }, patient);
    const target = { port: pingers[0]?.interfaces?.[0]?.portId ?? "" };
    const { floatingIp } = await demo.floatingIp.create({ network: "public", target }, patient);
    await until("the router is made", async () => new Set(await spaces()).size === 2);
    return floatingIp.id;
  };
  const releaseRouter = async (floatingId: string) => {
    await demo.floatingIp.delete(floatingId, {}, patient);
    await demo.router.removeInterface("router", { subnet: "net" }, patient);
    await demo.router.delete("router", {}, patient);
    await until("the router is gone", async () => (await spaces()).length === 0);
  };
  const struckInAll = () => [...struck.values()].reduce((sum, one) => sum + one, 0);

  it("may be killed again and again while ports and routers are made and released", async () => {
    for (const one of pingers) await until(`${one.name} pings`, async () => (await answered(one)).length > 2);
    before_ = await countFabric(cluster.state(node));
    for (let round = 0; struckInAll() < kills; round += 1) {
      const name = `churn-${round}`;
      const asked = { name, flavor: "tiny", image: "halt", networks: [{ network: "net" }], wait: true };
      const made = demo.instance.create(asked, patient);
      await duringWhich("port", made);
      const router = makeRouter();
      await duringWhich("router", router);
      await duringWhich("port", demo.instance.delete((await made).instance.id, { wait: true }, patient));
      await duringWhich("router", releaseRouter(await router));
    }
    console.log(`      seed ${seed}: ${[...struck].map(([name, count]) => `${name} ${count}`).join(", ")}`);
  });

  it("have left what was there before, and nothing else, in the kernel", async () => {
    let now: Awaited<ReturnType<typeof countFabric>> | undefined;
    await until("all of it is gone", async () => {
      // Nobody holds the fabric for a moment after the last kill: the agent makes another holder.
      // An address leaves the sets of its groups a moment after its device is gone.
      now = await countFabric(cluster.state(node)).catch(() => undefined);
      return isDeepStrictEqual(now, before_);
    }).catch(() => expect(now).to.deep.equal(before_));
  });

  it("have left nothing for the doctor to find", async () => {
    let findings: readonly unknown[] = [];
    await until("the doctor is content", async () => {
      ({ findings } = await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 }));
      return findings.length === 0;
    }).catch(() => expect(findings).to.deep.equal([]));
  });

  it("have cost the guests no packet", async () => {
    for (const one of pingers) {
      const numbers = await answered(one);
      const last = (await answered(one)).at(-1) ?? 0;
      await until(`${one.name} goes on`, async () => ((await answered(one)).at(-1) ?? 0) > last);
      const lost = numbers.filter((number, at) => at > 0 && number !== (numbers[at - 1] ?? 0) + 1);
      expect(lost, `${one.name}: of ${numbers.length}`).to.deep.equal([]);
      console.log(`      ${one.name}: ${numbers.length} packets answered, none lost`);
    }
  });
});
