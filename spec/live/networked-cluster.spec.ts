/**
 * Instances on networks in a whole cluster: PostgreSQL, NATS, a controller, and a compute node as a process
 * of its own with QEMU and the driver `user`. What the guests say on their consoles is what is believed.
 * Needs all of these, and the tiny guest that the set-up builds; no root.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { livingStat } from "../../nodes/drivers/process-owners.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { readSwitchApplied, type SwitchApplied } from "../../nodes/switch/state.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { makeAskingGuest } from "../support/asking-guest.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { pinging } from "../support/networked-guests.ts";
import { skip } from "../support/services.ts";
import { offerTiny, startAgentOf } from "../support/tiny-node.ts";

const node = "node-1";
const cidr = "10.9.0.0/24";
const addresses = ["10.9.0.11", "10.9.0.12", "10.9.0.13"];
const mtuBytes = 1_400;

describe("instances on networks of a cluster", function () {
  this.timeout(240_000);
  let cluster: LiveCluster;
  let agent: NodeProcess;
  let file = "";
  let demo: Novact;
  let other: Novact;
  const mine: Instance[] = [];
  let stranger: Instance;

  const startAgent = async () => {
    agent = await startAgentOf(node, file);
  };
  before(async function () {
    const [missing, guest] = [missingForGuests(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    cluster = await startLiveCluster(this, undefined, {
      nodes: [{ name: node, accelerator: "tcg" }],
      imageSources: guest.directory,
      start: (cluster) => {
        file = cluster;
        return startAgent();
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    other = await connect({ url, cell, project: "other" });
    await offerTiny(admin, guest);
  });
  after(async () => {
    await demo?.close();
    await other?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
  });

  const make = async (api: Novact, name: string, address: string) => {
    const script = pinging([...addresses, "10.9.0.14"]);
    const { instance } = await api.instance.create({
      ...{ name, flavor: "tiny", image: "tiny", networks: [{ network: "net", address }], wait: true },
      userData: Buffer.from(script).toString("base64"),
    });
    return instance;
  };
  const consoleOf = async (api: Novact, { id }: Instance) =>
    (await api.instance.console(id, { tailLines: 4_000 })).text;
  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const pings = async (api: Novact, instance: Instance) => {
    const found = (await consoleOf(api, instance)).matchAll(
      /NOVACT-GUEST PING (\d+) (\S+) (answers|silent)/g,
    );
    return [...found].map(([, , address, how]) => ({ address, how }));
  };
  /** The number of its pings, over all boots. */
  const tried = async (api: Novact, instance: Instance) => (await pings(api, instance)).length;
  const reaches = async (instance: Instance, address: string, after = 0) =>
    (await pings(demo, instance))
      .slice(after)
      .some((one) => one.address === address && one.how === "answers");
  const allReach = async () => {
    for (const one of mine) {
      const after = await tried(demo, one);
      for (const address of addresses)
        await until(`${one.name} reaches ${address}`, () => reaches(one, address, after));
    }
  };
  const switchOf = () => {
    const home = join(cluster.state(node), "../../switch");
    const [host = ""] = readdirSync(home, { withFileTypes: true }).flatMap((one) =>
      one.isDirectory() ? one.name : [],
    );
    return readSwitchApplied(join(home, host, "applied.json"));
  };

  const lives = (said: SwitchApplied | undefined) =>
    said !== undefined && livingStat(said.pid)?.startTicks === said.startTicks;

  it("have their addresses from the switch of their host", async () => {
    for (const api of [demo, other]) {
      await api.network.create({ name: "net", mtuBytes });
      await api.subnet.create({ name: "net", network: "net", cidr });
    }
    for (const [index, address] of addresses.entries()) mine.push(await make(demo, `vm-${index}`, address));
    stranger = await make(other, "stranger", "10.9.0.14");
    for (const [index, one] of mine.entries())
      await until(`${one.name} says its address`, async () =>
        (await consoleOf(demo, one)).includes(
          `NOVACT-GUEST NET eth0 ${addresses[index]}/24 mtu ${mtuBytes} server 169.254.169.254`,
        ),
      );
  });

  it("are as they should be to the doctor, on a host that says what it has", async () => {
    const { findings } = await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 });
    expect(findings).to.deep.equal([]);
    const { hosts } = await cluster.admin.host.list({});
    expect(hosts.map(({ drivers }) => [drivers?.network, drivers?.abilities.networks])).to.deep.equal([
      ["user", ["stream", "tap", "macvtap"]],
    ]);
    const statuses = async () => (await demo.port.list({})).ports.map(({ status }) => status);
    await until("ports are active", async () => (await statuses()).every((one) => one === "active"));
  });

  it("reach their own project, and nobody of another with the same addresses", async () => {
    await allReach();
    await until("three rounds", async () => (await tried(other, stranger)) >= 3 * 4);
    for (const { address, how } of await pings(other, stranger))
      expect([address, how]).to.deep.equal([address, address === "10.9.0.14" ? "answers" : "silent"]);
    for (const one of mine)
      for (const { address, how } of await pings(demo, one))
        if (address === "10.9.0.14") expect(how).to.equal("silent");
  });

  it("are told by the metadata service who they are when they have no drive", async () => {
    const { instance, told } = await makeAskingGuest(demo, "net");
    for (const said of told)
      await until(`it says ${said}`, async () => (await consoleOf(demo, instance)).includes(said));
    await demo.instance.delete(instance.id, { wait: true });
  });

  it("go on when the agent and the switch are killed at once", async () => {
    const said = await switchOf();
    agent.kill();
    await agent.ended;
    process.kill(said?.pid ?? 0, "SIGKILL");
    await startAgent();
    await allReach();
    expect((await switchOf())?.pid).not.to.equal(said?.pid);
  });

  it("keep their addresses over a stop and a start", async () => {
    const [first, second] = mine;
    if (first === undefined || second === undefined) throw new Error("There are three.");
    await demo.instance.stop(first.id, { wait: true });
    await demo.instance.start(first.id, { wait: true });
    const after = await tried(demo, second);
    await until("it is back", () => reaches(second, addresses[0] ?? "", after));
  });

  it("take the switch with them when their node stops, and have it again afterwards", async () => {
    const said = await switchOf();
    await agent.shutdown({ guests: true, patienceMs: 0 });
    expect(lives(said)).to.equal(false);
    await startAgent();
    await allReach();
  });

  it("leave nothing when they are deleted", async () => {
    const said = await switchOf();
    for (const one of mine) await demo.instance.delete(one.id, { wait: true });
    await other.instance.delete(stranger.id, { wait: true });
    expect(readdirSync(join(cluster.state(node), "network/ports"))).to.deep.equal([]);
    await until("the switch ends", async () => !lives(said));
    expect(readdirSync(join(cluster.state(node), "guests"))).to.deep.equal([]);
    const { findings } = await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 });
    expect(findings).to.deep.equal([]);
  });
});
