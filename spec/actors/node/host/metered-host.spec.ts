/** What an agent shows of its host: guests by their states, what the guard did, the room on file systems. */
import { expect } from "chai";
import { actorLimits } from "../../../../actors/runtime/limits.ts";
import { needsOf } from "../../../../protocol/agent-needs.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { HostWorld } from "../../../support/host-world.ts";
import { ensure } from "../machine/worlds.ts";

describe("an agent with a meter", () => {
  let world: HostWorld;
  beforeEach(async () => {
    world = new HostWorld();
    await world.clock.advance(100);
  });
  afterEach(() => world.end());

  const run = async (instanceId: string) => {
    const request = ensure({}, { instanceId });
    const fenced = { ...request, spec: { ...request.spec, fence: true }, leaseEpoch: 1 };
    await world.settled(() =>
      world.host.handlers.ensure({ ...fenced, needs: needsOf(fenced) }, world.context()),
    );
    await world.until(instanceId, "running");
  };
  const guests = () => {
    const found = world.meter.read("novact_guests").filter(({ value }) => value > 0);
    return Object.fromEntries(found.map(({ labels, value }) => [labels[0], value]));
  };
  const deeds = () => {
    const found = world.meter.read("novact_guard_deeds_total").filter(({ value }) => value > 0);
    return found.map(({ labels, value }) => [...labels, value]);
  };
  const silence = async () => {
    world.controller.reachable = false;
    await world.clock.advance(leaseLimits.leaseTtlMs + 5_000);
    world.controller.reachable = true;
    await world.clock.advance(3 * leaseLimits.heartbeatPeriodMs);
  };

  it("shows how many guests are in each state, all states from the start", async () => {
    expect(guests()).to.deep.equal({});
    expect(world.meter.read("novact_guests").length).to.be.greaterThan(5);
    await run("a");
    await run("b");
    expect(guests()).to.deep.equal({ running: 2 });
  });

  it("counts each deed of the guard once", async () => {
    await run("a");
    await silence();
    const once = [
      ["stopped", "leaseEnded", 1],
      ["continued", "leaseRenewed", 1],
    ];
    expect(deeds()).to.deep.equal(once);
    await world.clock.advance(10 * leaseLimits.heartbeatPeriodMs);
    expect(deeds()).to.deep.equal(once);
  });

  it("has the same sum of deeds in its next life, and those that were done without it", async () => {
    await run("a");
    await silence();
    await world.stopAgent();
    await world.clock.advance(leaseLimits.leaseTtlMs + 5_000);
    world.startAgent();
    await world.clock.advance(3 * leaseLimits.heartbeatPeriodMs);
    const sums = new Map(deeds().map(([what, why, sum]) => [`${what} ${why}`, sum]));
    expect(sums.get("stopped leaseEnded")).to.equal(2);
  });

  it("shows the room on its file systems", async () => {
    const of = "state directory";
    const mib = 1024 * 1024;
    const taken = { allocatedBytes: 7 * mib, imagesBytes: 2 * mib, silentMs: 4_000 };
    world.machine.spaces = [{ of, freeBytes: 5 * mib, totalBytes: 900 * mib, ...taken }];
    await world.clock.advance(2 * actorLimits.spaceLookPeriodMs);
    expect(world.meter.valueOf("novact_file_system_free_bytes", { of })).to.equal(5 * mib);
    expect(world.meter.valueOf("novact_file_system_size_bytes", { of })).to.equal(900 * mib);
    expect(world.meter.valueOf("novact_file_system_full", { of })).to.equal(1);
    expect(world.meter.valueOf("novact_disks_allocated_bytes", { of })).to.equal(7 * mib);
    expect(world.meter.valueOf("novact_images_cached_bytes", { of })).to.equal(2 * mib);
    expect(world.meter.valueOf("novact_file_system_silent_seconds", { of })).to.equal(4);
  });
});
