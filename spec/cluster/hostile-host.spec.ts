/**
 * One host of a cluster is hostile, or its numbers are damaged: the others and the tenants notice nothing,
 * and with an honest agent the host is clean, without anybody's help.
 */
import { expect } from "chai";
import type { LoadedInstance } from "../../actors/records/instance.ts";
import { assembleCompute, type Compute } from "../../nodes/compute/assembly.ts";
import { createFakeDrivers } from "../../nodes/drivers/fake/index.ts";
import { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { reportLimits } from "../../protocol/limits/report.ts";
import type { Observation } from "../../protocol/machine.ts";
import { refused, until } from "../support/asking.ts";
import { controllerWorld, silentLog } from "../support/controller-world.ts";
import { machineFilesOf } from "../support/machine-files.ts";
import { inventoryOf, type ScriptedHost } from "../support/scripted-host.ts";
import { type Noted, rememberingLog } from "../support/wire-world.ts";

type World = Awaited<ReturnType<typeof controllerWorld>>;

const poison = Number.MAX_SAFE_INTEGER - 5;

describe("a hostile host", function () {
  this.timeout(30_000);
  const noted: Noted[] = [];
  let world: World;
  let agents: Compute[];

  beforeEach(async () => {
    noted.length = 0;
    agents = [];
    world = await controllerWorld({ log: rememberingLog(noted) });
  });
  afterEach(async () => {
    for (const agent of agents) await agent.stop({ guests: true, patienceMs: 100 });
    await world.stop();
  });

  const agentOf = (id: string, machine: FakeWorld): Compute => {
    const common = { clock: systemClock, log: { ...silentLog, error: () => undefined } };
    const drivers = createFakeDrivers({ world: machine });
    const rest = { cell: "test", bus: world.bus, ids: systemIds(0), bootsMax: 4, inventory: inventoryOf(id) };
    const agent = assembleCompute({ ...common, ...rest, drivers });
    agents.push(agent);
    return agent;
  };
  const create = async (name: string, host: string) => {
    const made = await world.admin.instance.create({
      ...{ name, flavor: "tiny", image: "tiny", host, wait: true },
    });
    expect(made.instance).to.include({ state: "running", hostId: host });
    return made.instance.id;
  };
  const findings = async () =>
    (await world.admin.doctor.examine({})).findings.map(({ subject, message }) => `${subject}: ${message}`);
  const stored = async (id: string): Promise<LoadedInstance> => {
    const loaded = await world.store.instances.load(id);
    if (loaded === undefined) throw new Error(`no instance ${id}`);
    return loaded;
  };
  const observationOf = (host: ScriptedHost, id: string): Observation => {
    const seen = host.machines.get(id);
    if (seen === undefined) throw new Error(`no machine ${id}`);
    return seen;
  };
  const known = (id: string) =>
    until(
      () => world.admin.host.list({}),
      ({ hosts }) => hosts.some((host) => host.id === id),
    );

  it("invents thousands of machines: no actor is loaded, the log is short, others are answered", async () => {
    const evil = await world.host("evil");
    await world.host("good");
    const [own, theirs] = [await create("own", "evil"), await create("theirs", "good")];
    const lines = noted.length;
    const loaded = loadedFrom(world);
    const invent = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ ...observationOf(evil, own), instanceId: `invented-${n}` }));
    const { reason } = await refused(evil.report(...invent(15_000)));
    expect(reason).to.equal("schemaMismatch");
    const floods = Array.from({ length: 10 }, () => evil.report(...invent(reportLimits.reportEntriesMax)));
    const [changed, listed] = await Promise.all([
      world.admin.instance.pause(theirs, { wait: true }),
      world.admin.instance.list({}),
    ]);
    expect([changed.operation.state, listed.instances.length]).to.deep.equal(["done", 2]);
    const answers = await Promise.all(floods);
    // Of one host only a few are taken in at once; the others are to be sent again.
    const lengths = new Set(answers.map((ids) => ids.length));
    expect([...lengths]).to.include(reportLimits.reportEntriesMax);
    expect([...lengths].filter((length) => length !== 0)).to.deep.equal([reportLimits.reportEntriesMax]);
    expect(loaded.filter((id) => id.startsWith("invented"))).to.deep.equal([]);
    expect(noted.length - lines).to.be.at.most(5);
    expect(JSON.stringify(noted.slice(lines)).length).to.be.below(5_000);
  });

  it("reports numbers that cannot be: none is stored, its other machines are heard, the doctor says so", async () => {
    const evil = await world.host("evil");
    const [one, two] = [await create("one", "evil"), await create("two", "evil")];
    const before = await stored(one);
    const seen = observationOf(evil, one);
    const lies = [
      { ...seen, generation: poison },
      { ...seen, generation: reportLimits.observedCountMax },
      { ...seen, generation: 2 ** 40, state: "failed" as const },
      { ...seen, generation: seen.generation + 1, atMs: Number.MAX_SAFE_INTEGER },
      { ...seen, generation: seen.generation + 1, message: "x".repeat(10_000) },
    ];
    const news = { ...observationOf(evil, two), state: "paused" as const, generation: 9 };
    // The host's own client would refuse to send them.
    const body = { complete: false, machines: [...lies, news], stopping: false, leaseEpoch: 0 };
    const message = { headers: {}, body: Buffer.from(JSON.stringify(body)) };
    const answer = await world.bus.request("novact.v1.test.report.evil.heartbeat", message, 5_000);
    expect(JSON.parse(Buffer.from(answer.body).toString())).to.deep.equal({ known: true, stored: [two] });
    expect((await stored(one)).machines).to.deep.equal(before.machines);
    expect((await stored(two)).machines[0]).to.include({ state: "paused", generation: 9 });
    expect(noted.filter(({ message: text }) => text === "a report was not stored as a whole")).to.have.length(
      1,
    );
    const strange = (await findings()).filter((text) => text.includes("It reports what cannot be"));
    expect(strange).to.deep.equal([
      `host host-evil: It reports what cannot be, and that is not stored: The generation of instance ${one} cannot be.`,
    ]);
  });

  it("takes no name of a living host and no other host's id, and keeps its neighbour from none", async () => {
    await world.host("good", { name: "node-1" });
    expect((await refused(world.host("evil", { name: "node-1" }))).reason).to.equal("hostNameTaken");
    expect((await refused(world.host("evil", { name: "good" }))).reason).to.equal("hostNameTaken");
    const evil = await world.host("evil", { name: "node-2" });
    await world.host("good", { name: "node-1" });
    expect((await refused(world.host("evil", { name: "node-1" }))).reason).to.equal("hostNameTaken");
    await evil.register();
    expect((await world.admin.host.get("node-1", {})).host.id).to.equal("good");
  });

  for (const damaged of [poison, reportLimits.observedCountMax, 2 ** 50])
    it(`left a generation of ${damaged} in the store: with an honest agent all is as it should be`, async () => {
      const machine = new FakeWorld({ clock: systemClock, shutdownLatencyMs: 2 });
      const agent = agentOf("a", machine);
      await known("a");
      const [kept, deleted] = [await create("kept", "a"), await create("deleted", "a")];
      await agent.stop({ guests: false });
      for (const id of [kept, deleted]) await spoil(world, await stored(id), damaged);
      agentOf("a", machine);
      await until(
        async () => (await stored(kept)).machines,
        ([seen]) => seen !== undefined && seen.generation < 1_000,
      );
      const began = systemClock.monotonicMs();
      const { operation } = await world.admin.instance.delete(deleted, { wait: true });
      expect(operation.state).to.equal("done");
      expect(systemClock.monotonicMs() - began).to.be.below(10_000);
      expect((await world.admin.instance.pause(kept, { wait: true })).operation.state).to.equal("done");
      expect(machine.list().map(({ instanceId }) => instanceId)).to.deep.equal([kept]);
      expect(machineFilesOf(machine)).to.have.length.at.least(1);
      expect(await findings()).to.deep.equal([]);
    });

  for (const damaged of [2 ** 45, Number.MAX_SAFE_INTEGER, 2 ** 60])
    it(`left its agent a file with the number ${damaged}: the agent counts on from what is stored`, async () => {
      const machine = new FakeWorld({ clock: systemClock, shutdownLatencyMs: 2 });
      const agent = agentOf("a", machine);
      await known("a");
      const id = await create("web", "a");
      await agent.stop({ guests: false });
      damageFile(machine, id, damaged);
      agentOf("a", machine);
      expect((await world.admin.instance.pause(id, { wait: true })).operation.state).to.equal("done");
      expect((await stored(id)).machines[0]?.generation).to.be.below(1_000);
      await until(findings, (found) => found.length === 0);
    });
});

/** Writes the row of the instance's machine as it may have been stored once, or by a flipped bit. */
async function spoil({ store }: World, { instance, machines }: LoadedInstance, generation: number) {
  const { version } = instance;
  const row = { ...instance, version: version + 1 };
  const spoilt = machines.map((machine) => ({ ...machine, generation }));
  const result = await store.commit({ instances: [{ expectedVersion: version, row }], machines: spoilt });
  expect(result.kind).to.equal("committed");
}

/** The ids of instances whose rows are loaded from now on: each actor begins with that. */
function loadedFrom({ store }: World): readonly string[] {
  const ids: string[] = [];
  const load = store.instances.load.bind(store.instances);
  store.instances.load = (id) => {
    ids.push(id);
    return load(id);
  };
  return ids;
}

function damageFile({ machineFiles }: FakeWorld, instanceId: string, generationCeiling: number): void {
  const file: unknown = JSON.parse(machineFiles.get(instanceId) ?? "null");
  if (typeof file !== "object" || file === null) throw new Error(`no file of ${instanceId}`);
  machineFiles.set(instanceId, JSON.stringify({ ...file, generationCeiling }));
}
