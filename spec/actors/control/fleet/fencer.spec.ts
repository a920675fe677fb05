/**
 * The fencer: one event for all controllers together each time the brake goes on or off, and a judgement that
 * hangs holds up no other.
 */
import { expect } from "chai";
import { Fencer } from "../../../../actors/control/fleet/fencer.ts";
import { fleetLimits } from "../../../../actors/control/fleet/limits.ts";
import type { Commit } from "../../../../actors/records/commit.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { createActorSystem } from "../../../../actors/runtime/actor.ts";
import { CountingMeter } from "../../../../actors/runtime/counting-meter.ts";
import type { Meter } from "../../../../actors/runtime/meter.ts";
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import { type ActorWorld, actorWorld } from "../../../support/actor-world.ts";
import { silentLog } from "../../../support/silent-log.ts";
import type { SimulatedClock } from "../../../support/simulated-clock.ts";

describe("the fencer", () => {
  let world: ActorWorld;
  let clock: SimulatedClock;
  let told: Map<string, string>;
  let fenced: string[];
  let hanging: boolean;
  /** Fences whose commit hangs, in order. */
  let stuck: { readonly hostId: string; readonly end: () => void }[];
  let renewals: number;
  beforeEach(() => {
    world = actorWorld();
    clock = world.clock;
    [told, fenced, hanging, renewals, stuck] = [new Map(), [], false, 0, []];
  });
  afterEach(() => world.end());
  const commit = async ({ request, events = [], leasesFenced = [] }: Commit) => {
    const [{ hostId = "" } = {}] = leasesFenced;
    if (hanging)
      return new Promise<object>((resolve) => {
        stuck.push({ hostId, end: () => resolve({ kind: "conflict" }) });
      });
    for (const { event } of events) if (request !== undefined) told.set(request.requestId, event);
    fenced.push(...leasesFenced.map(({ hostId }) => hostId));
    return { kind: "committed" } as const;
  };
  /** Each in a system of its own, as in a controller of its own. */
  const make = (name: string, meter?: Meter) => {
    const system = createActorSystem({ clock, log: silentLog });
    clock.watch(() => system.busy);
    system.onSupervision(({ kind }) => supervised.push(kind));
    return new Fencer({
      ...{ system, commit: commit as never, clock, log: silentLog, name, meter },
      examineStorage: async () => "absent" as const,
      ...{ onFenced: () => undefined, onLooked: () => undefined },
    });
  };
  const supervised: string[] = [];
  const host = (id: string): HostRecord =>
    ({ id, name: id, lease: { leaseEpoch: 1, renewals, storage: null, fencedBy: null } }) as HostRecord;
  const read = async (fencers: readonly Fencer[], hosts: readonly HostRecord[]) => {
    const atMs = clock.monotonicMs();
    for (const one of fencers) one.hostsRead({ hosts, atMs, listeningSinceMs: 0 });
    await clock.settle();
  };

  it("tells of each time that recovery is stopped, once for all controllers", async () => {
    const fencers = [make("one"), make("other")];
    const round = () => read(fencers, [host("a"), host("b")]);
    for (let time = 0; time < 2; time += 1) {
      renewals += 1;
      await round();
      await clock.advance(leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs);
      await round();
      expect(fencers.map(({ picture }) => picture.brake.on)).to.deep.equal([true, true]);
      renewals += 1;
      await round();
      expect(fencers.map(({ picture }) => picture.brake.on)).to.deep.equal([false, false]);
    }
    expect([...told.values()]).to.deep.equal([
      ...["recoveryStopped", "recoveryResumed", "recoveryStopped", "recoveryResumed"],
    ]);
    for (const one of fencers) await one.stop();
  });

  it("fences the next host although the commit of a fence never ended", async () => {
    const fencer = make("one");
    const well = ["c", "d", "e", "f"].map(host);
    const beat = async (silent: readonly HostRecord[]) => {
      renewals += 1;
      await read([fencer], [...silent, ...well.map(({ id }) => host(id))]);
      await clock.advance(1_000);
    };
    const lost = host("a");
    await beat([lost]);
    hanging = true;
    for (let second = 0; second < 15; second += 1) await beat([lost]);
    expect(fenced).to.deep.equal([]);
    hanging = false;
    await clock.advance(fleetLimits.fencerRoundMsMax);
    expect(supervised.splice(0)).to.deep.equal(["restarted"]);
    for (let second = 0; second < 3; second += 1) await beat([lost]);
    expect(fenced).to.include("a");
    await fencer.stop();
  });

  it("does no more in a round that was overtaken, once that round goes on", async () => {
    const fencer = make("one");
    const others = Array.from({ length: 6 }, (_, index) => `well-${index}`);
    const lost = [host("a"), host("b")];
    const beat = async () => {
      renewals += 1;
      await read([fencer], [...lost, ...others.map(host)]);
      await clock.advance(1_000);
    };
    await beat();
    hanging = true;
    for (let second = 0; second < 15; second += 1) await beat();
    expect(stuck.map(({ hostId }) => hostId)).to.deep.equal(["a"]);
    await clock.advance(fleetLimits.fencerRoundMsMax);
    await beat();
    expect(stuck.map(({ hostId }) => hostId)).to.deep.equal(["a", "a"]);
    stuck[0]?.end();
    await clock.settle();
    expect(
      stuck.map(({ hostId }) => hostId),
      "the old round fences nobody else",
    ).to.deep.equal(["a", "a"]);
    hanging = false;
    stuck[1]?.end();
    await clock.settle();
    expect(fenced).to.deep.equal(["b"]);
    await fencer.stop();
  });

  it("shows the age of the oldest renewal, the brake, and how many renewals were late", async () => {
    const meter = new CountingMeter(silentLog);
    const fencer = make("one", meter);
    const oldestS = () => meter.read("novact_lease_oldest_seconds").map(({ value }) => value);
    const braked = () => meter.valueOf("novact_recovery_braked", {});
    expect(oldestS(), "no host holds a lease").to.deep.equal([]);
    const silent = host("a");
    await read([fencer], [silent, host("b")]);
    await clock.advance(5_000);
    renewals += 1;
    const other = host("b");
    await read([fencer], [silent, other]);
    await clock.advance(1_000);
    expect(oldestS()).to.deep.equal([6]);
    expect(meter.valueOf("novact_lease_renewals_late_total", {})).to.equal(1);
    expect(braked()).to.equal(0);
    await clock.advance(leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs);
    await read([fencer], [silent, other]);
    expect(braked()).to.equal(1);
    await fencer.stop();
  });
});
