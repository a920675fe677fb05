/**
 * The reconciler on simulated time: it nudges every unsettled instance, again and again, and goes on although
 * a nudge fails or hangs for a while.
 */
import { expect } from "chai";
import { type ReconcilerOptions, reconcilerDefinition } from "../../../../actors/control/reconciler/actor.ts";
import { reconcilerLimits } from "../../../../actors/control/reconciler/limits.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld } from "../../../support/actor-world.ts";

const { reconcilePeriodMs, reconcileBatchMax, prunePeriodMs } = reconcilerLimits;

describe("the reconciler", () => {
  let world: ActorWorld;
  /** Ids that are unsettled, in order. */
  let unsettled: string[];
  let nudged: string[];
  let pruned: number[];
  let fault: Error | undefined;

  const store: ReconcilerOptions["store"] = {
    instances: {
      unsettled: async ({ limit, marker = "" }) => {
        if (fault !== undefined) throw fault;
        return unsettled.filter((id) => id > marker).slice(0, limit);
      },
    },
    prune: async (nowMs) => pruned.push(nowMs),
  };

  beforeEach(() => {
    world = actorWorld();
    [unsettled, nudged, pruned, fault] = [[], [], [], undefined];
    world.system.spawn(reconcilerDefinition({ store, nudge: (id) => nudged.push(id) }));
  });
  afterEach(async () => {
    await world.end();
    expect(world.clock.pending, "timers left behind").to.equal(0);
  });

  it("looks once a period, and nudges whatever is still unsettled each time", async () => {
    unsettled = ["a", "b"];
    await world.clock.advance(reconcilePeriodMs - 1);
    expect(nudged).to.deep.equal([]);
    await world.clock.advance(1);
    expect(nudged).to.deep.equal(["a", "b"]);
    unsettled = ["b"];
    await world.clock.advance(reconcilePeriodMs);
    expect(nudged).to.deep.equal(["a", "b", "b"]);
  });

  it("takes a bounded number in a round and goes on behind them in the next, so that none is starved", async () => {
    const width = 6;
    unsettled = Array.from({ length: 2 * reconcileBatchMax + 1 }, (_, index) =>
      `${index}`.padStart(width, "0"),
    );
    await world.clock.advance(reconcilePeriodMs);
    expect(nudged).to.have.length(reconcileBatchMax);
    await world.clock.advance(2 * reconcilePeriodMs);
    expect(nudged).to.deep.equal(unsettled);
    await world.clock.advance(reconcilePeriodMs);
    expect(nudged.slice(unsettled.length)).to.deep.equal(unsettled.slice(0, reconcileBatchMax));
  });

  it("goes on when the store has failed for a while, without a crash", async () => {
    unsettled = ["a"];
    fault = new StatusError("storeUnavailable", "The store does not answer.");
    await world.clock.advance(20 * reconcilePeriodMs);
    expect(nudged).to.deep.equal([]);
    expect(world.supervised).to.deep.equal([]);
    expect(world.logged.filter(({ level }) => level === "warn")).to.have.length(20);
    fault = undefined;
    await world.clock.advance(reconcilePeriodMs);
    expect(nudged).to.deep.equal(["a"]);
  });

  it("removes what is old once in its period", async () => {
    await world.clock.advance(prunePeriodMs - reconcilePeriodMs);
    expect(pruned).to.deep.equal([]);
    await world.clock.advance(2 * reconcilePeriodMs);
    expect(pruned).to.have.length(1);
    await world.clock.advance(prunePeriodMs);
    expect(pruned).to.have.length(2);
  });
});
