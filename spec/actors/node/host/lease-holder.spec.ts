/**
 * The host lease, and the storage lease beside it: what the agent asks for, which answers it believes, and
 * when it does not.
 */
import { expect } from "chai";
import { LeaseHolder } from "../../../../actors/node/host/lease-holder.ts";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import type { Guard } from "../../../../actors/ports/guard.ts";
import type { StorageLeases } from "../../../../actors/ports/storage-leases.ts";
import { createActorSystem } from "../../../../actors/runtime/actor.ts";
import { HostStorage } from "../../../../actors/shared-storage/host-storage.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { silentLog } from "../../../support/driver-world.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

type Holding = Awaited<ReturnType<StorageLeases["hold"]>>;
interface Asked {
  readonly leaseEpoch: number;
  readonly cleaned: boolean;
  readonly storageId?: string | null;
}

/** A host whose controllers grant and renew whatever they are asked for, until the test fences it. */
function worldOf(holding: () => Promise<Holding>) {
  const clock = new SimulatedClock();
  const asked: (Asked & { readonly atMs: number })[] = [];
  const guarded: number[] = [];
  const changes: string[] = [];
  let [granted, fenced] = [1, false];
  const lease = async (one: Asked) => {
    asked.push({ ...one, atMs: clock.monotonicMs() });
    if (fenced && one.cleaned && one.leaseEpoch === granted) [granted, fenced] = [granted + 1, false];
    return { leaseEpoch: granted, held: !fenced };
  };
  const guard: Guard = {
    alive: true,
    deeds: async () => [],
    extend: async (deadlineMs) => {
      guarded.push(deadlineMs);
    },
    onEnd: () => undefined,
    close: async () => undefined,
    end: async () => undefined,
  };
  const held: number[] = [];
  const hold = async ({ leaseEpoch }: { readonly leaseEpoch: number }) => {
    held.push(leaseEpoch);
    return holding();
  };
  const leases = { hold, examine: async () => "absent" as const, close: async () => undefined };
  const system = createActorSystem({ clock, log: silentLog });
  clock.watch(() => system.busy);
  const holder: LeaseHolder = new LeaseHolder({
    system,
    hostId: "h1",
    reports: { lease: lease as never },
    guard: async () => guard,
    storage: new HostStorage({ leases, storageId: "s1", clock, log: silentLog }),
    clock,
    log: silentLog,
    isClean: async () => true,
    answered: () => undefined,
    changed: () => changes.push(`${holder.current().kind} ${holder.current().leaseEpoch}`),
  });
  const fence = () => {
    fenced = true;
  };
  return { clock, holder, asked, guarded, changes, held, fence };
}

const period = leaseLimits.heartbeatPeriodMs;

describe("a host's lease and the one on its storage", () => {
  it("says that it is covered from the second renewal on, and holds it before the guard lets go", async () => {
    const { clock, holder, asked, changes, held } = worldOf(async () => "held");
    holder.start();
    await clock.advance(2 * period);
    expect(asked.map(({ storageId }) => storageId)).to.deep.equal([null, "s1", "s1"]);
    expect(held.slice(0, 2)).to.deep.equal([1, 1]);
    expect(changes).to.deep.equal(["held 1"]);
    await holder.end(false);
    // An agent that ends in order gives up its storage lease, which is no sign of a lost host.
    expect(asked.at(-1)).to.include({ leaseEpoch: 1, storageId: null });
  });

  for (const [name, answer] of [
    ["that does not cover a guest", async (): Promise<Holding> => "uncovered"],
    ["that fails", (): Promise<Holding> => Promise.reject(new Error("no locks"))],
    ["that does not answer", () => new Promise<Holding>(() => undefined)],
  ] as const) {
    it(`renews with storage ${name}, and says that it is not covered`, async () => {
      const { clock, holder, asked } = worldOf(answer);
      holder.start();
      await clock.advance(6 * period);
      expect(holder.current()).to.deep.equal({ kind: "held", leaseEpoch: 1 });
      expect(asked.length).to.be.greaterThan(4);
      expect(asked.every(({ storageId }) => storageId === null)).to.equal(true);
      await holder.end(false);
    });
  }

  it("begins nothing under a lease that was taken before this life", async () => {
    const { clock, holder, guarded, changes } = worldOf(async () => "taken");
    holder.start();
    await clock.advance(period);
    expect(holder.current()).to.deep.equal({ kind: "fenced", leaseEpoch: 1 });
    expect({ guarded, changes }).to.deep.equal({ guarded: [], changes: ["fenced 1"] });
    await holder.end(false);
  });

  it("is silent when it was taken, until its silence has fenced it, and then gets a new one", async () => {
    let holding: Holding = "held";
    const { clock, holder, asked, changes, fence } = worldOf(async () => holding);
    holder.start();
    await clock.advance(2 * period);
    holding = "taken";
    const before = asked.length;
    await clock.advance(leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs + period);
    expect(asked.length).to.equal(before);
    expect(holder.current()).to.deep.equal({ kind: "fenced", leaseEpoch: 1 });
    fence();
    holding = "held";
    await clock.advance(hostLimits.storageTakenQuietMs);
    expect(holder.current()).to.deep.equal({ kind: "held", leaseEpoch: 2 });
    expect(changes).to.deep.equal(["held 1", "fenced 1", "held 2"]);
    await holder.end(false);
  });

  it("is silent again when its controllers do not know of it yet: renewals would keep it from being fenced", async () => {
    const { clock, holder, asked } = worldOf(async () => "taken");
    holder.start();
    await clock.advance(4 * hostLimits.storageTakenQuietMs);
    const times = asked.map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(gaps.length).to.be.greaterThan(1);
    for (const gap of gaps) expect(gap).to.be.at.least(leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs);
    await holder.end(false);
  });
});
