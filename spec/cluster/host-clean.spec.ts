/**
 * A host that comes back after a fence asks for a new host lease when nothing of its guests is left, and not
 * before: neither a guest nor a process that a guest has left behind in its cgroup.
 */
import { expect } from "chai";
import type { Holding } from "../../actors/ports/keeper.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { HostWorld } from "../support/host-world.ts";

describe("a host that was fenced", () => {
  let world: HostWorld;
  let left: Holding[];
  beforeEach(() => {
    world = new HostWorld();
    world.controller.lease = { leaseEpoch: 1, held: false };
    left = [];
    world.others.push({ kind: "cgroup", list: async () => left, release: async () => undefined });
  });
  afterEach(() => world.end());

  const asked = () => world.controller.leasesAsked.map(({ cleaned }) => cleaned);
  const periods = (count: number) => world.clock.advance(count * leaseLimits.heartbeatPeriodMs);

  it("is not clean while a process of a guest that it does not know any more is left", async () => {
    left = [{ instanceId: "a", ownerEpoch: 1, what: "cgroup a.1", populated: true }];
    await periods(5);
    expect(asked().length).to.be.above(2);
    expect(asked()).to.not.include(true);
    left = [{ instanceId: "a", ownerEpoch: 1, what: "cgroup a.1" }];
    await periods(5);
    expect(asked()).to.include(true);
    expect(world.controller.lease).to.deep.equal({ leaseEpoch: 2, held: true });
  });

  it("is not clean before a keeper can say what is left", async () => {
    let broken = true;
    world.others.push({
      kind: "tap",
      list: async () => {
        if (broken) throw new Error("The list cannot be read.");
        return [];
      },
      release: async () => undefined,
    });
    await periods(5);
    expect(asked()).to.not.include(true);
    broken = false;
    await periods(5);
    expect(world.controller.lease.held).to.equal(true);
  });
});
