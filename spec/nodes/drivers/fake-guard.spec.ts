/** The fake guard on simulated time: the contract, and the behaviour that the simulator relies on. */
import { expect } from "chai";
import { killFakeGuard } from "../../../nodes/drivers/fake/guard.ts";
import { createFakeDrivers } from "../../../nodes/drivers/fake/index.ts";
import { FakeStorage } from "../../../nodes/drivers/fake/storage.ts";
import { FakeWorld } from "../../../nodes/drivers/fake/world.ts";
import { driverLimits } from "../../../nodes/drivers/limits.ts";
import { machineSpec } from "../../support/driver-world.ts";
import { guardContract, type HangingBench, hangingGuardContract } from "../../support/guard-contract.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const never = new AbortController().signal;

/** Two hosts on one storage. */
function hosts(options?: { readonly locks: boolean }) {
  const clock = new SimulatedClock({ monotonicMs: 50_000 });
  const storage = new FakeStorage("s1", options);
  const host = () => {
    const world = new FakeWorld({ clock, storage });
    return { world, drivers: createFakeDrivers({ world }) };
  };
  return { clock, storage, one: host(), other: host() };
}

const specOf = (instanceId: string, ownerEpoch: number, fence = true) =>
  machineSpec({ instanceId, ownerEpoch, fence, diskGib: 1, takesOverDisk: ownerEpoch > 1 });

function makeBench(): HangingBench {
  const { clock, one, other } = hosts();
  let started = 0;
  return {
    open: () => one.drivers.guard(),
    nowMs: () => clock.monotonicMs(),
    pass: (ms) => clock.advance(ms),
    startGuest: async ({ fence }) => {
      started += 1;
      const spec = specOf(`i${started}`, 1, fence);
      const paths = await one.drivers.disks.ensure(spec, never);
      await one.drivers.hypervisor.start(spec, paths, never);
      return spec.instanceId;
    },
    conditionOf: async (id) => {
      if (one.world.find(id) === undefined) return "gone";
      return one.world.isFrozen(id) ? "stopped" : "running";
    },
    isWritten: async (id) => one.world.write(id),
    takeOver: async (id) => void (await other.drivers.disks.ensure(specOf(id, 2), never)),
    canOpenDisk: async (id) => {
      const spec = specOf(id, 2);
      const paths = await other.drivers.disks.ensure(spec, never);
      return (await other.drivers.hypervisor.start(spec, paths, never)).status === "running";
    },
    endGuest: async (id) => one.world.kill(id),
    killGuard: async () => killFakeGuard(one.world),
    hang: async () => one.world.hangStorage(),
    answer: async () => one.world.unhangStorage(),
    close: async () => undefined,
  };
}

guardContract("the fake guard", { timeoutMs: 2_000, makeBench: async () => makeBench() });
hangingGuardContract("the fake guard", { timeoutMs: 2_000, makeBench: async () => makeBench() });

describe("fake hosts on shared storage", () => {
  const start = async ({ drivers }: ReturnType<typeof hosts>["one"], ownerEpoch: number) => {
    const spec = specOf("i1", ownerEpoch);
    return drivers.hypervisor.start(spec, await drivers.disks.ensure(spec, never), never);
  };

  it("a guest waits for a disk that is still open, and starts when the guard has ended the other", async () => {
    const { clock, one, other } = hosts();
    await start(one, 1);
    const guard = await one.drivers.guard();
    await guard.extend(clock.monotonicMs() + 1_000);
    const second = start(other, 2);
    await clock.advance(2_000);
    expect((await second).ownerEpoch).to.equal(2);
    expect(one.world.find("i1")).to.equal(undefined);
  });

  it("a disk that stays open makes the start fail, after some patience", async () => {
    const { clock, one, other } = hosts();
    await start(one, 1);
    const failed = start(other, 2).catch((error: unknown) => error);
    await clock.advance(driverLimits.diskLockPatienceMs + driverLimits.diskLockRetryMs);
    expect(await failed)
      .to.have.property("message")
      .that.matches(/in use by another process/);
  });

  it("storage without locks lets both write: nothing but the guard is in the way", async () => {
    const { storage, one, other } = hosts({ locks: false });
    await start(one, 1);
    await start(other, 2);
    expect(one.world.write("i1") && other.world.write("i1")).to.equal(true);
    expect(storage.find("i1", 2)?.writes).to.equal(2);
  });

  it("a guest that is frozen answers nothing, and does afterwards what it was about to do", async () => {
    const { one } = hosts();
    await start(one, 1);
    one.world.freeze("i1");
    const failed = await one.drivers.hypervisor.pause("i1", never).catch((error: unknown) => error);
    expect(failed).to.have.property("reason", "hypervisorRefused");
    one.world.guestDoes("i1", "shutdown");
    expect(one.world.find("i1")?.status).to.equal("running");
    one.world.thaw("i1");
    expect(one.world.find("i1")?.status).to.equal("shutdown");
  });

  it("a guest whose storage hangs for a moment is stopped when the storage answers, and not killed", async () => {
    const { clock, one } = hosts();
    await start(one, 1);
    const guard = await one.drivers.guard();
    await guard.extend(clock.monotonicMs() + 1_000);
    one.world.hangStorage();
    await clock.advance(1_500);
    expect([one.world.isFrozen("i1"), one.world.write("i1")]).to.deep.equal([false, true]);
    one.world.unhangStorage();
    await clock.advance(2_000);
    expect(one.world.isFrozen("i1")).to.equal(true);
  });

  it("a guest that is stopped stays so when its storage hangs, and hangs with it when it goes on", async () => {
    const { one } = hosts();
    await start(one, 1);
    one.world.freeze("i1");
    one.world.hangStorage();
    expect([one.world.isFrozen("i1"), one.world.write("i1")]).to.deep.equal([true, false]);
    one.world.thaw("i1");
    one.world.freeze("i1");
    expect(one.world.isFrozen("i1")).to.equal(false);
    one.world.unhangStorage();
    expect(one.world.isFrozen("i1")).to.equal(true);
  });

  it("a guest that was killed is no guest to start with, and is ended only when its last thread is", async () => {
    const { clock, one } = hosts();
    await start(one, 1);
    one.world.hangStorage();
    one.world.kill("i1");
    expect(await start(one, 1).catch((error: unknown) => error)).to.have.property(
      "reason",
      "hypervisorRefused",
    );
    const halted = one.drivers.hypervisor.halt("i1", never).catch((error: unknown) => error);
    await clock.advance(20_000);
    expect(await halted).to.have.property("reason", "guestFailed");
    one.world.unhangStorage();
    await one.drivers.hypervisor.halt("i1", never);
    expect(one.world.find("i1")).to.equal(undefined);
  });

  it("the power of a host takes its guard with it, and the next one begins anew", async () => {
    const { clock, one } = hosts();
    const guard = await one.drivers.guard();
    await guard.extend(clock.monotonicMs() + 9_000);
    one.world.losePower();
    expect(guard.alive).to.equal(false);
    expect((await one.drivers.guard()).alive).to.equal(true);
  });
});
