/**
 * Instances on an operator's own network in a whole cluster that has the plug-in `macvtap` of the examples:
 * PostgreSQL, NATS, a controller, and a compute node as a process of its own with QEMU. Needs all of these,
 * root, iproute2, a kernel with veth and macvtap, and the tiny guest that the set-up builds.
 */
import { readdirSync } from "node:fs";
import { expect } from "chai";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import type { Port } from "../../protocol/port.ts";
import { whyNoCable } from "../examples/macvtap/spec/cable.ts";
import { prefixOf } from "../examples/macvtap/src/names.ts";
import { refused } from "../support/asking.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { pinging } from "../support/networked-guests.ts";
import { makeProviderNetwork, type ProviderNetwork, providerAddress } from "../support/provider-network.ts";
import { skip } from "../support/services.ts";
import { offerTiny, startAgentOf } from "../support/tiny-node.ts";

const node = "node-1";
const plugin = new URL("../examples/macvtap/src/plugin.ts", import.meta.url).pathname;

describe("instances on an operator's own network", function () {
  this.timeout(240_000);
  let provider: ProviderNetwork;
  let cluster: LiveCluster;
  let agent: NodeProcess;
  let file = "";
  let admin: Novact;
  let port: Port;
  let instance: Instance;

  const startAgent = async () => {
    agent = await startAgentOf(node, file);
  };
  before(async function () {
    const [missing, guest] = [missingForGuests() ?? whyNoCable(), guestOfSetup()];
    if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
    provider = await makeProviderNetwork(1);
    const network = { driver: "macvtap", options: { devices: { provider: provider.devices[0] } } };
    cluster = await startLiveCluster(this, undefined, {
      nodes: [{ name: node, accelerator: "tcg", network }],
      plugins: [plugin],
      imageSources: guest.directory,
      start: (cluster) => {
        file = cluster;
        return startAgent();
      },
    });
    const { url, cell } = cluster;
    admin = await connect({ url, cell, project: "admin" });
    await offerTiny(admin, guest);
    await admin.network.create({ name: "flat", mtuBytes: 1_500, physicalNetwork: "provider" });
    await admin.network.create({ name: "other" });
    await admin.subnet.create({ name: "flat", network: "flat", cidr: "10.9.0.0/24" });
    const open = { portSecurity: false, securityGroups: [] };
    port = (await admin.port.create({ name: "web", network: "flat", ...open })).port;
    await provider.serveDhcp({ [port.mac]: port.addresses[0]?.address ?? "" });
    const created = await admin.instance.create({
      ...{ name: "web", flavor: "tiny", image: "tiny", networks: [{ port: "web" }], wait: true },
      userData: Buffer.from(pinging([providerAddress])).toString("base64"),
    });
    instance = created.instance;
  });
  after(async () => {
    await admin?.close();
    await agent?.shutdown({ guests: true, patienceMs: 0 });
    await cluster?.stop();
    await provider?.close();
  });

  const consoleOf = async () => (await admin.instance.console(instance.id, { tailLines: 4_000 })).text;
  const until = async (what: string, met: () => Promise<boolean>) => {
    const deadlineMs = performance.now() + 60_000;
    while (!(await met())) {
      if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const answers = async (): Promise<readonly number[]> =>
    [...(await consoleOf()).matchAll(/NOVACT-GUEST PING (\d+) \S+ answers/g)].map(([, round]) =>
      Number(round),
    );
  const answersAfter = async (round: number) => {
    await until(`a ping after ${round} is answered`, async () =>
      (await answers()).some((one) => one > round),
    );
  };
  const macvtaps = async () => {
    const { host } = await admin.host.get(node, {});
    return readdirSync("/sys/class/net").filter((name) => name.startsWith(prefixOf(host.id)));
  };

  it("have the address that the operator's server gives them, and reach what is there", async () => {
    const [address] = port.addresses.map((one) => one.address);
    await until("it is up", async () => (await consoleOf()).includes("NOVACT-GUEST READY"));
    expect(await consoleOf()).to.contain(`ip=${address}`);
    await answersAfter(0);
    expect(await macvtaps()).to.have.length(1);
  });

  it("are on hosts that say that they are there, and are refused elsewhere, in words", async () => {
    const { host } = await admin.host.get(node, {});
    expect(host.drivers?.networking).to.deep.include({
      ...{
        spansHosts: true,
        physicalNetworks: ["provider"],
        overlays: false,
        filters: false,
        hotPlug: false,
      },
    });
    const create = { name: "no", flavor: "tiny", image: "tiny" };
    const filtered = await refused(admin.instance.create({ ...create, networks: [{ network: "flat" }] }));
    expect(JSON.stringify(filtered)).to.match(/filters nothing/);
    await admin.port.create({ name: "late", network: "flat", portSecurity: false, securityGroups: [] });
    const late = await refused(admin.instance.interfaceAttach(instance.id, { port: "late" }));
    expect(late.message).to.match(/takes guests in at their start alone/);
  });

  it("go on while their agent is away, and when it is back", async () => {
    const before = await macvtaps();
    agent.kill();
    await agent.ended;
    await startAgent();
    await answersAfter((await answers()).at(-1) ?? 0);
    expect(await macvtaps()).to.deep.equal(before);
    expect((await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 })).findings).to.deep.equal([]);
    await admin.instance.stop(instance.id, { wait: true });
    await admin.instance.start(instance.id, { wait: true });
    await until("it has booted again", async () => (await answers()).at(-1) === 1);
    expect(await macvtaps()).to.have.length(1);
  });

  it("are gone with all that they had", async () => {
    await admin.instance.delete(instance.id, { wait: true });
    expect(await macvtaps()).to.deep.equal([]);
  });
});
