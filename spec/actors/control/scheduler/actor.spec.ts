/**
 * The scheduler's actor on simulated time: it keeps its views fresh, survives a failing store, and ends
 * cleanly.
 */
import { expect } from "chai";
import { schedulerDefinition } from "../../../../actors/control/scheduler/actor.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import type { Ranking, SchedulerMessage } from "../../../../actors/control/scheduler/messages.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import type { ActorRef } from "../../../../actors/runtime/system.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld, failureOf } from "../../../support/actor-world.ts";
import { host, hostIds, request, scheduler } from "./worlds.ts";

describe("scheduler: actor", () => {
  let world: ActorWorld;
  let hosts: HostRecord[];
  let reads: number;
  let failing: boolean;
  let ref: ActorRef<SchedulerMessage>;

  const living = (id: string, changes: Partial<HostRecord> = {}) =>
    host(id, { lastSeenAtMs: world.clock.nowMs(), ...changes });
  const ask = () =>
    ref.ask<Ranking>((reply) => ({ kind: "rank", request: request(), reply }), {
      deadlineMs: world.clock.monotonicMs() + 5_000,
    });

  beforeEach(() => {
    world = actorWorld();
    reads = 0;
    failing = false;
    hosts = [living("a"), living("b")];
    const all = async () => {
      reads++;
      if (failing) throw new StatusError("storeUnavailable", "No database.");
      return hosts;
    };
    ref = world.system.spawn(schedulerDefinition({ scheduler, store: { hosts: { all } } }));
  });
  afterEach(() => world.end());

  it("answers the first question with what it reads first", async () => {
    expect(hostIds(await ask())).to.deep.equal(["a", "b"]);
  });

  it("reads the hosts in every period once", async () => {
    await world.clock.settle();
    reads = 0;
    await world.clock.advance(3 * schedulerLimits.schedulerRefreshPeriodMs);
    expect(reads).to.equal(3);
  });

  it("reads nothing by itself while somebody tells what it has read, and again when nobody does", async () => {
    await ask();
    reads = 0;
    const tell = () => {
      const now = { readAtMs: world.clock.monotonicMs(), wallMs: world.clock.nowMs() };
      ref.tell({ kind: "refresh", hosts: [living("told")], ...now, told: true });
    };
    for (let second = 0; second < 5; second += 1) {
      tell();
      await world.clock.advance(schedulerLimits.schedulerRefreshPeriodMs);
    }
    expect(hostIds(await ask())).to.deep.equal(["told"]);
    expect(reads).to.equal(0);
    await world.clock.advance(3 * schedulerLimits.schedulerRefreshPeriodMs);
    expect(reads).to.be.greaterThan(0);
    expect(hostIds(await ask())).to.deep.equal(["a", "b"]);
  });

  it("hears of a host that registers, at once when it is told", async () => {
    await ask();
    hosts = [living("z")];
    ref.tell({ kind: "hostsChanged" });
    await world.clock.settle();
    expect(hostIds(await ask())).to.deep.equal(["z"]);
  });

  it("answers UNAVAILABLE while the store cannot be read, and is well again afterwards", async () => {
    failing = true;
    const failure = await failureOf(ask());
    expect(failure.reason).to.equal("storeUnavailable");
    failing = false;
    await world.clock.advance(schedulerLimits.schedulerRefreshPeriodMs);
    expect(hostIds(await ask())).to.have.length(2);
    expect(world.supervised).to.deep.equal([]);
  });

  it("leaves no timer behind when it ends", async () => {
    await ask();
    await ref.stop();
    await world.clock.advance(10 * schedulerLimits.schedulerRefreshPeriodMs);
    expect(world.clock.pending).to.equal(0);
  });
});
