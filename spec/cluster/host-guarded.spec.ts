/**
 * What the guard of a host did becomes events, whoever was away: a controller's part with a scripted host, a
 * host's part with a controller that a test plays, on simulated time.
 */
import { expect } from "chai";
import { hostLimits } from "../../actors/node/host/limits.ts";
import { needsOf } from "../../protocol/agent-needs.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { ReportedDeed } from "../../protocol/machine.ts";
import { ensure } from "../actors/node/machine/worlds.ts";
import { until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";
import { HostWorld } from "../support/host-world.ts";

const atMs = Date.parse("2026-01-02T03:04:05.678Z");

describe("what a guard did, at a controller", function () {
  this.timeout(60_000);
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let host: Awaited<ReturnType<typeof world.host>>;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
    host = await world.host("a");
  });
  afterEach(() => world.stop());

  const create = async (name: string) => {
    const { instance } = await world.demo.instance.create({
      name,
      flavor: "tiny",
      image: "tiny",
      wait: true,
    });
    return instance.id;
  };
  const deed = (instanceId: string, number: number, given: Partial<ReportedDeed> = {}): ReportedDeed => ({
    ...{ number, instanceId, ownerEpoch: 1, what: "stopped", why: "leaseEnded", atMs, ...given },
  });
  const eventsOf = async (noun: string, id: string) => {
    const { events } = await world.admin.event.list({ after: 0, noun, id, limit: 1_000 });
    return events.filter(({ event }) => event === "guarded");
  };

  it("is an event of each instance for its project, and one of the host that counts them", async () => {
    const ids = [await create("one"), await create("two")];
    await host.guarded(...ids.map((id, index) => deed(id, 10 + index)));
    const because = "paused by the guard of host-a at 2026-01-02T03:04:05.678Z: its host lease had ended";
    for (const [index, id] of ids.entries()) {
      const { events } = await world.demo.event.list({ after: 0, noun: "instance", id, limit: 1_000 });
      const told = events.filter(({ event }) => event === "guarded");
      expect(told.map(({ body }) => body)).to.deep.equal([
        {
          ...{ name: index === 0 ? "one" : "two", hostId: "a", hostName: "host-a" },
          ...{ what: "stopped", why: "leaseEnded", because },
        },
      ]);
    }
    expect((await eventsOf("host", "a")).map(({ body }) => body)).to.deep.equal([
      { what: "stopped", why: "leaseEnded", guests: 2, because },
    ]);
    const { earlier } = await world.demo.instance.explain(ids[0] ?? "", {});
    expect(earlier?.map(({ message }) => message)).to.deep.equal([`It was ${because}.`]);
  });

  it("is told once, however often and to whichever controller it is reported", async () => {
    const id = await create("one");
    const deeds = [deed(id, 10), deed(id, 20, { what: "killed", why: "notStopped" })];
    for (let round = 0; round < 4; round += 1) await host.guarded(...deeds);
    await host.guarded(...deeds.slice(1), deed(id, 30, { what: "gone", why: "notStopped" }));
    const told = await eventsOf("instance", id);
    expect(told.map(({ body }) => body.what)).to.deep.equal(["stopped", "killed", "gone"]);
    expect(told[1]?.body.because).to.include("its storage did not answer");
    expect(await eventsOf("host", "a")).to.have.length(3);
  });

  it("is an event as well when the guest is another host's by then, and of no other guest", async () => {
    await host.lease(1);
    const id = await create("one");
    await world.host("b");
    await world.admin.host.fence("a", { confirm: "host-a", reason: "It burnt.", force: true });
    await until(
      () => world.admin.instance.get(id, {}),
      ({ instance }) => instance.hostId === "b" && instance.state === "running",
    );
    const killed = { what: "killed", why: "diskTaken" } as const;
    await host.guarded(deed(id, 10), deed(id, 11, killed), deed(id, 12, { ownerEpoch: 2 }));
    await host.guarded(deed(id, 13, { ...killed, what: "gone" }));
    const told = (await eventsOf("instance", id)).map(({ body }) => [body.hostId, body.what]);
    expect(told).to.deep.equal([
      ["a", "stopped"],
      ["a", "killed"],
      ["a", "gone"],
    ]);
    expect(await eventsOf("host", "a")).to.have.length(3);
  });

  it("is believed of the host's own instances only", async () => {
    const id = await create("one");
    const other = await world.host("b");
    await other.guarded(deed(id, 10), deed("no-such-instance", 11));
    expect(await eventsOf("instance", id)).to.deep.equal([]);
    expect(await eventsOf("host", "b")).to.deep.equal([]);
  });
});

describe("what a guard did, at its host", () => {
  let world: HostWorld;
  beforeEach(async () => {
    world = new HostWorld();
    await world.clock.advance(100);
    const request = ensure({}, { instanceId: "a" });
    const fenced = { ...request, spec: { ...request.spec, fence: true }, leaseEpoch: 1 };
    await world.settled(() =>
      world.host.handlers.ensure({ ...fenced, needs: needsOf(fenced) }, world.context()),
    );
    await world.until("a", "running");
  });
  afterEach(() => world.end());
  const told = () => world.controller.deeds.map(({ what, why }) => `${what} ${why}`);

  it("is reported as soon as a controller answers again, once, with the time at which it was done", async () => {
    const beganMs = world.clock.nowMs();
    world.controller.reachable = false;
    await world.clock.advance(leaseLimits.leaseTtlMs + 5_000);
    expect(world.machine.isFrozen("a")).to.equal(true);
    world.controller.reachable = true;
    await world.clock.advance(3 * leaseLimits.heartbeatPeriodMs);
    expect(told()).to.deep.equal(["stopped leaseEnded", "continued leaseRenewed"]);
    const [stopped, continued] = world.controller.deeds;
    expect((stopped?.atMs ?? 0) - beganMs).to.be.within(
      leaseLimits.leaseTtlMs - 3_000,
      leaseLimits.leaseTtlMs + 500,
    );
    expect(continued?.atMs).to.be.greaterThan(beganMs + leaseLimits.leaseTtlMs + 4_000);
  });

  it("is reported by the agent that comes after the one that was dead", async () => {
    await world.stopAgent();
    await world.clock.advance(leaseLimits.leaseTtlMs + 5_000);
    world.startAgent();
    await world.clock.advance(3 * leaseLimits.heartbeatPeriodMs);
    expect(told().slice(0, 1)).to.deep.equal(["stopped leaseEnded"]);
  });

  it("is not reported any more after an hour", async () => {
    world.controller.reachable = false;
    await world.clock.advance(leaseLimits.leaseTtlMs + 5_000);
    await world.clock.advance(hostLimits.guardDeedAgeMsMax);
    world.controller.reachable = true;
    await world.clock.advance(3 * leaseLimits.heartbeatPeriodMs);
    expect(told()).to.deep.equal(["continued leaseRenewed"]);
  });
});
