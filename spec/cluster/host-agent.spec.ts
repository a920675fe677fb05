/**
 * A compute node and its controllers, the end and return of its agent, and its consoles; on simulated time.
 */
import { expect } from "chai";
import { hostLimits } from "../../actors/node/host/limits.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { ensure } from "../actors/node/machine/worlds.ts";
import { failureOf } from "../support/actor-world.ts";
import { HostWorld } from "../support/host-world.ts";
import { machineFilesOf } from "../support/machine-files.ts";

describe("a host: its controllers", () => {
  let world: HostWorld;
  afterEach(() => world.end());

  it("registers, then sends a heartbeat in every period, and a complete list now and then", async () => {
    world = new HostWorld();
    await world.clock.advance(hostLimits.inventoryPeriodMs + 100);
    const { heartbeats, registrations } = world.controller;
    expect(registrations).to.equal(1);
    expect(heartbeats.length).to.be.within(15, 18);
    expect(heartbeats.filter(({ complete }) => complete)).to.have.length(2);
  });

  it("registers again when nobody knows it any more, and says everything", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.until("a", "running");
    world.controller.knows = false;
    world.controller.seen.clear();
    await world.clock.advance(leaseLimits.heartbeatPeriodMs + 100);
    expect(world.controller.registrations).to.equal(2);
    expect(world.controller.seen.get("a")?.state).to.equal("running");
  });

  it("says again what was not stored, in the next period and not at once", async () => {
    world = new HostWorld();
    await world.clock.advance(50);
    world.controller.stores = false;
    await world.ensure("a");
    await world.clock.advance(10 * leaseLimits.heartbeatPeriodMs);
    const told = () =>
      world.controller.heartbeats.filter(({ machines }) =>
        machines.some(({ instanceId }) => instanceId === "a"),
      );
    expect(told().length).to.be.within(9, 12);
    world.controller.stores = true;
    await world.clock.advance(leaseLimits.heartbeatPeriodMs);
    const count = told().length;
    await world.clock.advance(3 * leaseLimits.heartbeatPeriodMs);
    expect(told().length).to.equal(count);
  });

  it("keeps trying while no controller is there, guests untouched, and then says what happened", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.ensure("b");
    await world.clock.advance(1_000);
    world.controller.reachable = false;
    world.machine.guestDoes("a", "shutdown");
    await world.clock.advance(120_000);
    expect(world.machine.find("b")?.status).to.equal("running");
    world.controller.reachable = true;
    expect(await world.until("a", "stopped")).to.be.at.most(hostLimits.reportRetryMsMax);
  });

  it("says all changes of one moment in few reports", async () => {
    world = new HostWorld({ bootsMax: 1_000 });
    const ids = Array.from({ length: 300 }, (_, index) => `i${index}`);
    await Promise.all(ids.map((id) => world.ensure(id)));
    await world.clock.advance(leaseLimits.heartbeatPeriodMs);
    expect(world.controller.seen.size).to.equal(300);
    expect(world.controller.heartbeats.length).to.be.below(10);
  });

  it("splits what does not fit into one report", async () => {
    world = new HostWorld({ bootsMax: 10_000 });
    const ids = Array.from({ length: 2_500 }, (_, index) => `i${index}`);
    for (let first = 0; first < ids.length; first += 500) {
      await Promise.all(ids.slice(first, first + 500).map((id) => world.ensure(id)));
    }
    await world.clock.advance(1_000);
    const before = world.controller.heartbeats.length;
    await world.clock.advance(hostLimits.inventoryPeriodMs + 1_000);
    expect(world.controller.seen.size).to.equal(2_500);
    for (const { machines, complete } of world.controller.heartbeats.slice(before)) {
      expect(machines.length).to.be.at.most(hostLimits.reportMachinesMax);
      if (machines.length > 0) expect(complete).to.equal(false);
    }
  }).timeout(30_000);
});

describe("a host: its agent ends and returns", () => {
  let world: HostWorld;
  afterEach(() => world.end());

  it("lets the guests run on, and takes them over untouched", async () => {
    world = new HostWorld();
    for (const id of ["a", "b"]) await world.ensure(id);
    await world.ensure("b", { generation: 2, power: "stopped", stop: { mode: "hard", timeoutMs: 0 } });
    const before = world.machine.list();
    await world.stopAgent();
    expect(world.machine.list()).to.deep.equal(before);
    expect(world.controller.heartbeats.at(-1)?.stopping).to.equal(true);
    const generations = new Map([...world.controller.seen].map(([id, { generation }]) => [id, generation]));
    world.startAgent();
    await world.clock.advance(100);
    expect(world.machine.list()).to.deep.equal(before);
    for (const [id, state] of Object.entries({ a: "running", b: "stopped" })) {
      expect(world.controller.seen.get(id)?.state).to.equal(state);
      expect(world.controller.seen.get(id)?.generation).to.be.greaterThan(generations.get(id) ?? 0);
    }
  });

  it("finds its guests gone after the machine lost power, says so, and starts those that should run", async () => {
    world = new HostWorld({ startLatencyMs: 100 });
    for (const id of ["a", "b"]) await world.ensure(id);
    await world.until("b", "running");
    await world.ensure("b", { generation: 2, power: "stopped", stop: { mode: "hard", timeoutMs: 0 } });
    await world.until("b", "stopped");
    await world.stopAgent();
    world.machine.losePower();
    world.startAgent();
    await world.clock.runUntil(() => world.controller.seen.get("a")?.reason === "processLost");
    await world.until("a", "running");
    await world.clock.advance(1_000);
    expect(world.machine.list().map(({ instanceId }) => instanceId)).to.deep.equal(["a"]);
  });

  it("takes all guests down when told to, refuses new ones, and boots them at its next start", async () => {
    world = new HostWorld({ shutdownLatencyMs: 2_000 });
    for (const id of ["a", "b"]) await world.ensure(id);
    const stopping = world.host.stop({ guests: true });
    await world.clock.settle();
    expect(
      (await failureOf(world.host.handlers.ensure({ ...request("c"), needs: [] }, world.context()))).reason,
    ).to.equal("hostStopping");
    await world.settled(() => stopping);
    expect(world.clock.monotonicMs()).to.be.within(2_000, 3_000);
    expect(world.machine.list()).to.deep.equal([]);
    expect(world.controller.seen.get("a")).to.include({ state: "stopped", reason: "hostShutdown" });
    world.startAgent();
    await world.until("a", "running");
    await world.until("b", "running");
  });

  it("takes all guests down when told to as soon as it has found them", async () => {
    world = new HostWorld({ shutdownLatencyMs: 2_000 });
    for (const id of ["a", "b"]) await world.ensure(id);
    await world.until("b", "running");
    await world.stopAgent();
    expect(world.machine.list()).to.have.length(2);
    world.startAgent();
    await world.stopAgent({ guests: true });
    expect(world.machine.list()).to.deep.equal([]);
  });

  it("halts guests that do not hear that the host goes down", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.stopAgent({ guests: true });
    expect(world.machine.list()).to.deep.equal([]);
    expect(world.clock.monotonicMs()).to.be.within(10_000, 11_000);
  });

  it("ends in time when no controller hears it", async () => {
    world = new HostWorld();
    await world.ensure("a");
    world.controller.reachable = false;
    await world.stopAgent();
    expect(world.clock.monotonicMs()).to.be.at.most(hostLimits.hostFarewellMs + 100);
    expect(world.machine.find("a")?.status).to.equal("running");
  });

  it("goes on with a deletion that its end interrupted", async () => {
    world = new HostWorld();
    await world.ensure("a");
    world.machine.inject("halt", "hang");
    await world.ensure("a", { generation: 2, power: "deleted" });
    await world.stopAgent();
    world.startAgent();
    await world.until("a", "gone");
    expect([world.machine.list().length, machineFilesOf(world.machine).length]).to.deep.equal([0, 0]);
  });

  it("leaves what it does not understand alone, and names it", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.ensure("b");
    await world.stopAgent();
    world.machine.machineFiles.set("a", "{ not json");
    world.machine.machineFiles.delete("b");
    world.startAgent();
    await world.clock.advance(1_000);
    expect(world.machine.list()).to.have.length(2);
    const audit = await world.settled(() => world.host.handlers.audit({}, world.context()));
    expect(audit.machines).to.deep.equal([]);
    expect(audit.processes.map(({ instanceId }) => instanceId)).to.have.members(["a", "b"]);
    expect(audit.strays.join("\n")).to.match(/The machine file of a cannot be understood/);
    const pids = world.machine.list().map(({ pid }) => pid);
    for (const id of ["a", "b"])
      expect((await world.ensure(id, { generation: 2 })).state).to.equal("running");
    expect(world.machine.list().map(({ pid }) => pid)).to.deep.equal(pids);
  });
});

describe("a host: consoles", () => {
  let world: HostWorld;
  afterEach(() => world.end());
  const read = (request: { offset?: number; tailLines?: number; waitMs?: number }, instanceId = "a") =>
    world.host.handlers.console({ instanceId, ...request }, world.context(60_000));

  it("reads what is there, and waits for more when asked to, without holding anything up", async () => {
    world = new HostWorld();
    await world.ensure("a");
    const first = await world.settled(() => read({}));
    expect(first.text).to.contain("NOVACT-GUEST UP");
    const following = read({ offset: first.nextOffset, waitMs: 20_000 });
    await world.clock.advance(3_000);
    expect((await world.ensure("b")).state).to.equal("running");
    world.machine.print("a", "more\n");
    expect((await world.settled(() => following)).text).to.equal("more\n");
    expect(world.clock.monotonicMs()).to.be.at.most(3_200);
  });

  it("ends a wait at its time with nothing, and says when there is no log", async () => {
    world = new HostWorld();
    await world.ensure("a");
    const { nextOffset } = await world.settled(() => read({}));
    expect((await world.settled(() => read({ offset: nextOffset, waitMs: 5_000 }))).text).to.equal("");
    expect(world.clock.monotonicMs()).to.be.within(5_000, 5_200);
    expect((await failureOf(world.settled(() => read({}, "z")))).reason).to.equal("consoleUnavailable");
  });

  it("lets only so many wait for one guest at once, whoever waits for others", async () => {
    world = new HostWorld();
    await world.ensure("a");
    await world.ensure("b");
    const waits = Array.from({ length: hostLimits.consoleWaitersPerGuestMax }, () =>
      read({ offset: 9_999, waitMs: 1_000 }),
    );
    await world.clock.settle();
    expect(await failureOf(world.settled(() => read({ offset: 9_999, waitMs: 1_000 })))).to.include({
      reason: "tooManyWaits",
      retryAfterMs: hostLimits.consoleRetryAfterMs,
    });
    expect((await world.settled(() => read({ offset: 9_999, waitMs: 500 }, "b"))).text).to.equal("");
    await world.settled(() => Promise.all(waits));
    expect((await world.settled(() => read({ offset: 9_999, waitMs: 1_000 }))).text).to.equal("");
  });
});

const request = (instanceId: string) => ensure({}, { instanceId });
