/**
 * Instances on networks of the driver `bridge` in a whole cluster: PostgreSQL, NATS, a controller, and a
 * compute node as a process of its own with QEMU. What the guests say on their consoles is what is believed.
 * Needs all of these, root, iproute2, nftables, conntrack, and the tiny guest that the set-up builds.
 */
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { findResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { makeAskingGuest } from "../support/asking-guest.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { pinging } from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";
import { offerTiny, startAgentOf } from "../support/tiny-node.ts";

const node = "node-1";
const addresses = ["10.9.0.11", "10.9.0.12"];
const mtuBytes = 1_400;

describe("instances on the kernel's bridges", function () {
  this.timeout(240_000);
  let cluster: LiveCluster;
  let agent: NodeProcess;
  let file = "";
  let demo: Novact;
  const mine: Instance[] = [];

  const startAgent = async () => {
    agent = await startAgentOf(node, file);
  };
  before(async function () {
    const [missing, guest] = [missingForGuests() ?? missingForBridges(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    cluster = await startLiveCluster(this, undefined, {
      nodes: [{ name: node, accelerator: "tcg", network: "bridge" }],
      imageSources: guest.directory,
      start: (cluster) => {
        file = cluster;
        return startAgent();
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    await offerTiny(admin, guest);
    await demo.network.create({ name: "net", mtuBytes });
    await demo.subnet.create({ name: "net", network: "net", cidr: "10.9.0.0/24" });
    for (const [index, address] of addresses.entries()) {
      const { instance } = await demo.instance.create({
        ...{ name: `vm-${index}`, flavor: "tiny", image: "tiny", wait: true },
        networks: [{ network: "net", address }],
        userData: Buffer.from(pinging(addresses)).toString("base64"),
      });
      mine.push(instance);
    }
  });
  after(async () => {
    await demo?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
  });

  const consoleOf = async ({ id }: Instance) => (await demo.instance.console(id, { tailLines: 4_000 })).text;
  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const pings = async (instance: Instance) => {
    const found = (await consoleOf(instance)).matchAll(/NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g);
    return [...found].map(([, , address, how]) => ({ address, how }));
  };
  const allReach = async () => {
    for (const one of mine) {
      const after = (await pings(one)).length;
      for (const address of addresses)
        await until(`${one.name} reaches ${address}`, async () =>
          (await pings(one)).slice(after).some((ping) => ping.address === address && ping.how === "answers"),
        );
    }
  };
  const fabric = () => realpathSync(join(cluster.state(node), "network/fabric"));
  const findings = async () => (await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 })).findings;

  it("have their addresses from the responder of their host", async () => {
    for (const [index, one] of mine.entries())
      await until(`${one.name} says its address`, async () =>
        (await consoleOf(one)).includes(
          `NOVACT-GUEST NET eth0 ${addresses[index]}/24 mtu ${mtuBytes} server 169.254.169.254`,
        ),
      );
  });

  it("are told by their host who they are", async () => {
    for (const one of mine)
      await until(`${one.name} is told its name`, async () =>
        (await consoleOf(one)).includes(`NOVACT-GUEST META name=${one.name} userdata=`),
      );
  });

  it("reach each other, on a host that says what it has, and nothing is wrong", async () => {
    await allReach();
    const { hosts } = await cluster.admin.host.list({});
    expect(hosts.map(({ drivers }) => drivers?.network)).to.deep.equal(["bridge"]);
    expect(await findings()).to.deep.equal([]);
    const statuses = async () => (await demo.port.list({})).ports.map(({ status }) => status);
    await until("ports are active", async () => (await statuses()).every((one) => one === "active"));
  });

  it("are told by the metadata service who they are when they have no drive", async () => {
    const { instance, told } = await makeAskingGuest(demo, "net");
    for (const said of told)
      await until(`it says ${said}`, async () => (await consoleOf(instance)).includes(said));
    await demo.instance.delete(instance.id, { wait: true });
  });

  it("go on when the agent and the process that holds the fabric are killed at once", async () => {
    agent.kill();
    await agent.ended;
    const [holder] = await findResidents(fabric());
    if (holder === undefined) throw new Error("Nobody holds it.");
    // The one that answers guests keeps the namespace until the next agent.
    process.kill(holder.pid, "SIGKILL");
    await startAgent();
    await allReach();
    expect(await findResidents(fabric())).to.have.length(2);
  });

  it("keep their addresses over a stop and a start, and over their node's", async () => {
    const [first] = mine;
    if (first === undefined) throw new Error("There are two.");
    await demo.instance.stop(first.id, { wait: true });
    await demo.instance.start(first.id, { wait: true });
    await allReach();
    await agent.shutdown({ guests: true, patienceMs: 0 });
    expect(await findResidents(fabric())).to.deep.equal([]);
    await startAgent();
    await allReach();
  });

  it("leave nothing when they are deleted", async () => {
    for (const one of mine) await demo.instance.delete(one.id, { wait: true });
    expect(readdirSync(join(cluster.state(node), "network/ports"))).to.deep.equal([]);
    expect(await findings()).to.deep.equal([]);
    await agent.shutdown({ guests: true, patienceMs: 0 });
    expect(await findResidents(fabric())).to.deep.equal([]);
    await startAgent();
  });
});
