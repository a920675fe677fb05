/**
 * More instances at once than a subnet has addresses, with two controllers that choose addresses for them,
 * real PostgreSQL and NATS, and hosts that only pretend: as many are made as fit, every other is refused
 * with the number, and nobody has the address of another. Again and again on one subnet, whose addresses
 * come back with each delete.
 *
 * NOVACT_NETWORKS=full runs twenty rounds; otherwise three.
 */
import { expect } from "chai";
import { startCompute } from "../../nodes/compute/main.ts";
import { startController } from "../../nodes/controller/main.ts";
import { loadCluster } from "../../nodes/plugins/load.ts";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { shortened } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";

const full = process.env.NOVACT_NETWORKS === "full";
const rounds = full ? 20 : 3;
const asked = 200;
/** 64, but the two that stand for all of them, and the gateway's. */
const fitting = 61;
const patient = { timeoutMs: 120_000 };
const nodes = ["node-1", "node-2"].map((name) => ({ name, hypervisor: "fake", network: "fake" }));

describe("a subnet that is asked for more addresses than it has", function () {
  this.timeout(rounds * 60_000);
  let cluster: LiveCluster;
  let demo: Novact;
  const ends: (() => Promise<void>)[] = [];

  before(async function () {
    if (!full) shortened("three rounds of creates at a full subnet", "NOVACT_NETWORKS=full");
    cluster = await startLiveCluster(this, undefined, {
      ...{ nodes, imageSources: "/nonexistent" },
      start: async (file) => {
        const loaded = await loadCluster(file);
        const second = await startController({ ...loaded, index: 1, log: silentLog });
        ends.push(() => second.stop());
        for (const { name } of nodes) {
          const node = await startCompute({ ...loaded, nodeName: name, log: silentLog });
          ends.push(() => node.stop({ guests: true, patienceMs: 0 }));
        }
      },
    });
    const { url, cell, admin } = cluster;
    demo = await connect({ url, cell, project: "demo" });
    await admin.quota.set("demo", { instances: null, vcpus: null, memoryMib: null });
    await demo.network.create({ name: "net" });
    await demo.subnet.create({ name: "net", network: "net", cidr: "10.9.0.0/26" });
  });
  after(async () => {
    await demo?.close();
    for (const end of ends) await end();
    await cluster?.stop();
  });

  const create = (round: number, index: number) =>
    demo.instance.create(
      { name: `vm-${round}-${index}`, flavor: "small", image: "blank", networks: [{ network: "net" }] },
      patient,
    );
  const refusal = (outcome: PromiseSettledResult<unknown>) => {
    if (outcome.status === "fulfilled") return [];
    const { reason } = outcome;
    return [reason instanceof StatusError ? [reason.reason, reason.message] : ["no answer", String(reason)]];
  };
  const ports = async () => (await demo.port.list({ limit: 500 }, patient)).ports;
  /** An address is free by the word of its host, which comes soon after the instance is gone. */
  const noneLeft = async () => {
    const deadlineMs = performance.now() + 120_000;
    for (let left = await ports(); left.length > 0; left = await ports())
      if (performance.now() > deadlineMs)
        throw new Error(`${left.length} ports stay: ${JSON.stringify(left[0])}.`);
  };

  for (let round = 1; round <= rounds; round += 1)
    it(`gives each address once, and says to all others that none is left (round ${round})`, async () => {
      const asking = Array.from({ length: asked }, (_, index) => create(round, index));
      const outcomes = await Promise.allSettled(asking);
      const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value.instance] : []));
      const refused = outcomes.flatMap(refusal);
      const message = `All ${fitting} addresses of the subnet net (10.9.0.0/26) are taken.`;
      expect(new Set(refused.map((one) => JSON.stringify(one)))).to.deep.equal(
        new Set([JSON.stringify(["subnetFull", message])]),
      );
      expect([made.length, refused.length]).to.deep.equal([fitting, asked - fitting]);
      const taken = (await ports()).flatMap(({ addresses }) => addresses.map(({ address }) => address));
      expect(taken).to.have.length(fitting);
      expect(new Set(taken).size).to.equal(fitting);
      await Promise.all(made.map(({ id }) => demo.instance.delete(id, { wait: true }, patient)));
      await noneLeft();
    });
});
