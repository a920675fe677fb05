/**
 * A compute node with fake guests on simulated time: what controllers hear, and what becomes of the guests.
 */
import { expect } from "chai";
import { Answers } from "../../actors/node/machine/answers.ts";
import { machineLimits } from "../../actors/node/machine/limits.ts";
import { actorLimits } from "../../actors/runtime/limits.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { failureOf } from "../support/actor-world.ts";
import { HostWorld } from "../support/host-world.ts";
import { machineFilesOf } from "../support/machine-files.ts";

describe("a host: the life of a guest", () => {
  let world: HostWorld;
  afterEach(() => world.end());

  it("answers an ensure with the running guest when it starts at once, and says it again with the next beat", async () => {
    world = new HostWorld();
    const observation = await world.ensure("a");
    expect(observation).to.include({ state: "running", intentGeneration: 1 });
    expect(world.clock.monotonicMs()).to.equal(0);
    expect(await world.until("a", "running")).to.be.at.most(leaseLimits.heartbeatPeriodMs);
    expect(world.controller.states("a")).to.deep.equal(["running"]);
  });

  it("answers after a moment when the start takes longer, and reports at once when it is done", async () => {
    world = new HostWorld({ startLatencyMs: 300 });
    expect((await world.ensure("a")).state).to.equal("starting");
    expect(world.clock.monotonicMs()).to.equal(machineLimits.ensureAnswerMs);
    await world.until("a", "running");
    expect(world.clock.monotonicMs()).to.equal(300);
    expect(world.controller.states("a")).to.deep.equal(["starting", "running"]);
  });

  it("goes through a whole life, and leaves nothing behind", async () => {
    world = new HostWorld({ shutdownLatencyMs: 200 });
    await world.ensure("a");
    await world.ensure("a", { generation: 2, power: "paused" });
    await world.until("a", "paused");
    await world.ensure("a", { generation: 3 });
    await world.until("a", "running");
    await world.ensure("a", { generation: 4, resetCount: 1, resetMode: "soft" });
    await world.clock.runUntil(() => world.controller.seen.get("a")?.resetCount === 1);
    await world.ensure("a", { generation: 5, power: "stopped", resetCount: 1 });
    await world.until("a", "stopped");
    expect(world.machine.list()).to.deep.equal([]);
    await world.ensure("a", { generation: 6, power: "deleted", resetCount: 1 });
    await world.until("a", "gone");
    await world.clock.advance(5_000);
    const audit = await world.settled(() => world.host.handlers.audit({}, world.context()));
    expect(audit).to.deep.equal({
      hostId: "h1",
      machines: [],
      processes: [],
      directories: [],
      holdings: [],
      keepsDisks: false,
      strays: [],
      space: [],
      volumeStorages: audit.volumeStorages,
      networking: {
        version: 0,
        parts: [],
        lookedAgoMs: audit.networking?.lookedAgoMs ?? -1,
        unanswered: null,
        unpublished: [],
        failed: [],
        failedCount: 0,
        failure: null,
      },
    });
    expect(audit.volumeStorages?.map(({ storageId, promisedMib }) => [storageId, promisedMib])).to.deep.equal(
      [[null, 0]],
    );
    expect([world.machine.disks.size, machineFilesOf(world.machine).length]).to.deep.equal([0, 0]);
  });

  it("writes a guest's file when it is made, when it is deleted, and its tombstone when it is gone", async () => {
    world = new HostWorld();
    await world.ensure("a");
    expect(world.writes).to.equal(1);
    await world.ensure("a", { generation: 2, power: "deleted" });
    expect(world.writes).to.equal(3);
  });

  it("leaves no file behind when a deletion is asked for again while it is under way", async () => {
    world = new HostWorld();
    await world.ensure("a");
    world.releaseMs = 100;
    await world.ensure("a", { generation: 2, power: "deleted" });
    world.writeMs = 200;
    await world.ensure("a", { generation: 3, power: "deleted" });
    await world.until("a", "gone");
    await world.clock.advance(5_000);
    expect(machineFilesOf(world.machine).length).to.equal(0);
  });

  it("refuses what is late also after a restart of the agent", async () => {
    world = new HostWorld();
    await world.ensure("a", { generation: 1 });
    await world.ensure("a", { generation: 2, power: "deleted" });
    await world.until("a", "gone");
    await world.stopAgent();
    world.startAgent();
    await world.clock.advance(1_000);
    expect((await failureOf(world.ensure("a", { generation: 1 }))).reason).to.equal("staleGeneration");
    expect(world.machine.list()).to.deep.equal([]);
    // Hours pass without an agent, whose heartbeats would all be lived through.
    await world.stopAgent();
    await world.clock.advance(retentionLimits.tombstoneKeptMs);
    world.startAgent();
    await world.clock.advance(1_000);
    expect([...world.machine.machineFiles.keys()]).to.deep.equal([]);
  });

  it("refuses what is late: a message of before the deletion brings nothing back", async () => {
    world = new HostWorld();
    await world.ensure("a", { generation: 1 });
    await world.ensure("a", { generation: 2, power: "deleted" });
    await world.until("a", "gone");
    await world.clock.advance(1_000);
    expect((await failureOf(world.ensure("a", { generation: 1 }))).reason).to.equal("staleGeneration");
    expect((await failureOf(world.ensure("a", { generation: 9 }, 0))).reason).to.equal("staleEpoch");
    expect((await world.ensure("a", { generation: 3, power: "deleted" })).state).to.equal("gone");
    expect((await world.ensure("a", { generation: 1 }, 2)).state).to.equal("running");
  });

  it("hears stop while starting: the boot never outlives it", async () => {
    world = new HostWorld({ startLatencyMs: 10_000 });
    await world.ensure("a");
    await world.clock.advance(1_000);
    expect((await world.ensure("a", { generation: 2, power: "stopped" })).state).to.equal("stopped");
    expect(world.clock.monotonicMs()).to.be.below(1_100);
    await world.clock.advance(30_000);
    expect(world.machine.list()).to.deep.equal([]);
  });

  it("boots only so many guests at once, in order, and lets a deletion pass them all", async () => {
    world = new HostWorld({ startLatencyMs: 1_000, bootsMax: 2 });
    const ids = Array.from({ length: 9 }, (_, index) => `i${index}`);
    await Promise.all(ids.map((id) => world.ensure(id)));
    await world.clock.advance(1_200 - world.clock.monotonicMs());
    expect(world.machine.list().map(({ instanceId }) => instanceId)).to.deep.equal(["i0", "i1"]);
    for (const id of ["i0", "i4"])
      expect((await world.ensure(id, { generation: 2, power: "deleted" })).state).to.equal("gone");
    expect(world.clock.monotonicMs()).to.be.below(1_300);
    await world.until("i8", "running");
    expect(world.clock.monotonicMs()).to.be.within(3_900, 4_200);
    expect(world.machine.list()).to.have.length(7);
  });

  it("refuses an intent that cannot be written down, and still deletes", async () => {
    world = new HostWorld();
    await world.ensure("a");
    world.diskFull = true;
    expect((await failureOf(world.ensure("b"))).reason).to.equal("diskFull");
    expect((await failureOf(world.ensure("a", { generation: 2, power: "stopped" }))).reason).to.equal(
      "diskFull",
    );
    expect(world.machine.find("a")?.status).to.equal("running");
    await world.ensure("a", { generation: 3, power: "deleted" });
    await world.until("a", "gone");
    expect(world.machine.list()).to.deep.equal([]);
  });

  it("answers what it has taken up already, though a later observation cannot be written down", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.ensure("a", { generation: 2 });
    world.diskFull = true;
    world.machine.guestDoes("a", "shutdown");
    await world.until("a", "stopped");
    const { state, reason, intentGeneration } = await world.ensure("a", { generation: 2 });
    expect([state, reason, intentGeneration]).to.deep.equal(["stopped", "guestShutdown", 2]);
    expect((await failureOf(world.ensure("a", { generation: 1 }))).reason).to.equal("staleGeneration");
    expect((await failureOf(world.ensure("a", { generation: 3 }))).reason).to.equal("diskFull");
    world.diskFull = false;
    expect((await world.ensure("a", { generation: 3 })).intentGeneration).to.equal(3);
  });
});

describe("a host: effects that fail", () => {
  let world: HostWorld;
  afterEach(() => world.end());
  const failure = () => new StatusError("hypervisorRefused", "It was injected.");

  for (const verb of ["ensureDisks", "start"] as const) {
    it(`holds nothing when ${verb} fails, and everything is removed by the deletion`, async () => {
      world = new HostWorld();
      world.machine.inject(verb, failure());
      await world.ensure("a");
      await world.until("a", "failed");
      expect(world.machine.list()).to.deep.equal([]);
      await world.ensure("a", { generation: 2, power: "deleted" });
      await world.until("a", "gone");
      expect([world.machine.disks.size, machineFilesOf(world.machine).length]).to.deep.equal([0, 0]);
    });
  }

  for (const verb of ["halt", "releaseDisks"] as const) {
    it(`tries again when ${verb} fails during a deletion`, async () => {
      world = new HostWorld();
      await world.ensure("a");
      world.machine.inject(verb, failure());
      world.machine.inject(verb, failure());
      await world.ensure("a", { generation: 2, power: "deleted" });
      await world.until("a", "gone");
      expect([world.machine.list().length, world.machine.disks.size]).to.deep.equal([0, 0]);
    });
  }

  for (const verb of ["pause", "resume", "reset"] as const) {
    it(`keeps the guest alive when ${verb} fails, and reaches what was asked for in the end`, async () => {
      world = new HostWorld();
      await world.ensure("a");
      const pid = world.machine.find("a")?.pid;
      world.machine.inject(verb, failure());
      await world.ensure("a", { generation: 2, power: "paused", resetCount: 1, resetMode: "hard" });
      await world.until("a", "paused");
      await world.ensure("a", { generation: 3, resetCount: 1 });
      await world.until("a", "running");
      expect(world.machine.find("a")?.pid).to.equal(pid);
      expect(world.controller.seen.get("a")?.resetCount).to.equal(1);
    });
  }

  it("calls off work that hangs when a newer intent comes", async () => {
    world = new HostWorld();
    for (const verb of ["ensureDisks", "start"] as const) {
      world.machine.inject(verb, "hang", verb);
      await world.ensure(verb);
      await world.clock.advance(60_000);
      await world.ensure(verb, { generation: 2, power: "deleted" });
      await world.until(verb, "gone");
    }
    expect(world.machine.list()).to.deep.equal([]);
  });
});

describe("a host: what guests and actors do", () => {
  let world: HostWorld;
  afterEach(() => world.end());

  it("restarts a guest whose process died, and touches no other", async () => {
    world = new HostWorld();
    for (const id of ["a", "b"]) await world.ensure(id);
    const [a, b] = ["a", "b"].map((id) => world.machine.find(id)?.pid);
    world.machine.kill("a");
    await world.clock.runUntil(() => world.controller.states("a").includes("starting"));
    await world.until("a", "running");
    expect(world.machine.find("a")?.pid).to.not.equal(a);
    expect(world.machine.find("b")?.pid).to.equal(b);
  });

  it("gives up on a guest that dies again and again", async () => {
    world = new HostWorld();
    await world.ensure("a");
    for (let loss = 0; loss <= machineLimits.guestRestartsMax; loss++) {
      await world.clock.runUntil(() => world.machine.find("a") !== undefined);
      await world.clock.settle();
      world.machine.kill("a");
    }
    await world.until("a", "failed");
    expect(world.controller.seen.get("a")?.reason).to.equal("crashLoop");
    expect((await world.ensure("a", { generation: 2, startCount: 2 })).state).to.equal("running");
  });

  it("says that a guest shut itself down, with its process halted", async () => {
    world = new HostWorld();
    await world.ensure("a");
    world.machine.guestDoes("a", "shutdown");
    await world.until("a", "stopped");
    expect(world.controller.seen.get("a")?.reason).to.equal("guestShutdown");
    expect(world.machine.list()).to.deep.equal([]);
  });

  it("brings a machine's actor back from its file after a crash, guest and siblings untouched", async () => {
    world = new HostWorld();
    for (const id of ["a", "b"]) await world.ensure(id, { resetCount: 2 });
    await world.until("b", "running");
    const before = world.machine.list();
    const poison = { spec: { instanceId: "a" }, intent: undefined, needs: [] };
    const asked = failureOf(world.host.handlers.ensure(poison as never, world.context()));
    await world.clock.settle();
    expect((await asked).reason).to.equal("internal");
    await world.clock.advance(1_000);
    expect(world.actors.supervised.map(({ kind, actor }) => `${kind} ${actor}`)).to.deep.equal([
      "restarted host/a",
    ]);
    expect(world.machine.list()).to.deep.equal(before);
    expect(world.controller.seen.get("a")).to.include({
      state: "running",
      resetCount: 2,
      intentGeneration: 1,
    });
    expect((await world.ensure("a", { generation: 2, resetCount: 2, power: "paused" })).state).to.equal(
      "paused",
    );
  });

  it("says that a machine is gone whose actor crashed between its tombstone and its word", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.until("a", "running");
    const { note } = Answers.prototype;
    Answers.prototype.note = function crashOnce(this: Answers, observation) {
      if (observation.state !== "gone") return note.call(this, observation);
      Answers.prototype.note = note;
      throw new Error("The turn breaks after its file.");
    };
    try {
      const going = world.ensure("a", { generation: 2, power: "deleted" });
      await going.catch(() => undefined);
      await world.until("a", "gone");
    } finally {
      Answers.prototype.note = note;
    }
    expect(world.actors.supervised.map(({ kind }) => kind)).to.deep.equal(["restarted"]);
    expect(world.machine.list()).to.deep.equal([]);
  });

  it("lets no incarnation act while the work of the one before is still under way", async () => {
    world = new HostWorld({ startLatencyMs: 5_000 });
    await world.ensure("a");
    await world.clock.advance(1_000);
    const poison = { spec: { instanceId: "a" }, intent: undefined, needs: [] };
    await failureOf(world.settled(() => world.host.handlers.ensure(poison as never, world.context())));
    await world.until("a", "running");
    expect(world.machine.list()).to.have.length(1);
  });

  it("takes a machine up again that its supervisor had given up, with its guest", async () => {
    world = new HostWorld();
    await world.ensure("a");
    const { pid } = world.machine.find("a") ?? { pid: 0 };
    const poison = { spec: { instanceId: "a" }, intent: undefined, needs: [] };
    for (let crash = 0; crash <= actorLimits.restartsMax; crash++) {
      await failureOf(
        world.settled(() => world.host.handlers.ensure(poison as never, world.context(60_000))),
      );
    }
    await world.clock.advance(10_000);
    expect(world.actors.supervised.at(-1)?.kind).to.equal("failed");
    expect((await world.ensure("a", { generation: 2 })).state).to.equal("running");
    expect(world.machine.find("a")?.pid).to.equal(pid);
  });

  it("gives a machine that its supervisor had given up another chance by itself, and sees what became of the guest", async () => {
    world = new HostWorld();
    await world.ensure("a");
    const poison = { spec: { instanceId: "a" }, intent: undefined, needs: [] };
    for (let crash = 0; crash <= actorLimits.restartsMax; crash++) {
      await failureOf(
        world.settled(() => world.host.handlers.ensure(poison as never, world.context(60_000))),
      );
    }
    await world.clock.runUntil(() => world.actors.supervised.at(-1)?.kind === "failed");
    world.machine.kill("a");
    await world.clock.advance(actorLimits.restartWindowMs + 1_000);
    expect(world.controller.seen.get("a")).to.include({ state: "running" });
    expect(world.machine.find("a")).to.not.equal(undefined);
  });

  it("takes everything up again after a crash of the host's own actor, guests untouched", async () => {
    world = new HostWorld();
    for (const id of ["a", "b"]) await world.ensure(id);
    await world.ensure("b", { generation: 2, power: "paused" });
    const before = world.machine.list();
    await failureOf(world.settled(() => world.host.handlers.ensure({ needs: [] } as never, world.context())));
    await world.clock.advance(5_000);
    expect(world.actors.supervised.map(({ kind, actor }) => `${kind} ${actor}`)).to.deep.equal([
      "restarted host",
    ]);
    expect(world.machine.list()).to.deep.equal(before);
    expect((await world.ensure("a", { generation: 2, power: "paused" })).state).to.equal("paused");
    expect(world.controller.seen.get("b")?.state).to.equal("paused");
  });
});
