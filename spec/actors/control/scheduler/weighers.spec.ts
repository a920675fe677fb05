/**
 * Every weigher by value, which multiplier counts, and that the columns give the same scores as the weighers.
 */
import { expect } from "chai";
import fc from "fast-check";
import { explain } from "../../../../actors/control/scheduler/explain.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import type { PlacementRequest } from "../../../../actors/control/scheduler/messages.ts";
import { Prepared } from "../../../../actors/control/scheduler/prepare.ts";
import { rank } from "../../../../actors/control/scheduler/rank.ts";
import { createScheduler, type Scheduler } from "../../../../actors/control/scheduler/schedule.ts";
import { type SchedulerState, withClaim, withHost } from "../../../../actors/control/scheduler/state.ts";
import { weighers } from "../../../../actors/control/scheduler/weighers/index.ts";
import { host, knowing, request, scheduler, type WorldHost } from "./worlds.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const timed = (changes: Partial<PlacementRequest> = {}) => ({ ...request(changes), atMs: 1 });
const aggregates = (...metadata: Record<string, string>[]) => ({
  aggregates: metadata.map((one, index) => ({
    id: `${index}${JSON.stringify(metadata)}`,
    name: "x",
    availabilityZone: null,
    metadata: one,
  })),
});
const soft = (policy: "soft-affinity" | "soft-anti-affinity", ...hostIds: string[]) => ({
  group: { id: "g", policy, hostIds },
});

describe(`scheduler: weighers (seed ${seed})`, () => {
  /** The weight of one weigher, with the multiplier 1. */
  const weight = (name: string, changes: Partial<WorldHost>, asked: Partial<PlacementRequest> = {}) => {
    const only = createScheduler({ weighers: { [name]: 1 } });
    return explain(only, knowing(host("a", changes)), timed(asked))[0]?.weights[name] ?? 0;
  };

  const cases: readonly (readonly [string, Partial<WorldHost>, Partial<PlacementRequest>, number])[] = [
    ["freeRam", { memoryMibClaimed: 3_584 }, {}, 0.5],
    ["freeCpu", { vcpusClaimed: 5 }, {}, 0.25],
    ["freeDisk", { diskGibClaimed: 74 }, {}, 0.25],
    ["freeDisk", { diskGib: 0 }, {}, 0],
    ["ioLoad", { ioOps: 8 }, {}, 0.5],
    ["ioLoad", {}, {}, 0],
    ["instanceCount", { instances: 50 }, {}, 0.5],
    ["buildFailures", { failedBuilds: 1 }, {}, 0.5],
    ["softAffinity", {}, soft("soft-affinity", "a", "b", "a", "a"), 0.75],
    ["softAffinity", {}, soft("soft-affinity", "b"), 0],
    ["softAffinity", {}, soft("soft-anti-affinity", "a"), 0],
    ["softAntiAffinity", {}, soft("soft-anti-affinity", "a"), -0.5],
    ["label", { labels: { weight: "0.25" } }, {}, 0.25],
    ["label", { labels: { weight: "-7" } }, {}, -1],
    ["label", { labels: { weight: "fast" } }, {}, 0],
  ];
  for (const [name, changes, asked, expected] of cases)
    it(`${name} gives ${expected} for ${JSON.stringify({ ...changes, ...asked })}`, () => {
      expect(weight(name, changes, asked)).to.equal(expected);
    });

  it("every one has a case", () => {
    expect(new Set(cases.map(([name]) => name))).to.deep.equal(new Set(weighers.map(({ name }) => name)));
  });

  const first = (hosts: WorldHost[], asked: Partial<PlacementRequest> = {}) =>
    rank(scheduler, knowing(...hosts), timed(asked))[0]?.hostId;

  it("by default avoid hosts that are busy or fail builds, whatever else speaks for them", () => {
    expect(first([host("a", { ioOps: 4 }), host("b", { vcpusClaimed: 1 })])).to.equal("b");
    expect(first([host("a", { failedBuilds: 1 }), host("b", { vcpusClaimed: 7 })])).to.equal("b");
  });

  it("draw a group's members together, or keep them apart, as long as there is room", () => {
    const hosts = [host("a"), host("b", { memoryMibClaimed: 4_096 })];
    expect(first(hosts, soft("soft-affinity", "b"))).to.equal("b");
    expect(first(hosts, soft("soft-anti-affinity", "a"))).to.equal("b");
    expect(first([host("a"), host("b", { vcpusClaimed: 8 })], soft("soft-anti-affinity", "a"))).to.equal("a");
  });

  it("an aggregate has the last word about a multiplier, of several the smallest, under either name", () => {
    const weights = (...metadata: Record<string, string>[]) =>
      explain(scheduler, knowing(host("a", aggregates(...metadata))), timed())[0]?.weights;
    const usual = weights();
    expect(weights({ ram_weight_multiplier: "3" }, { ram_weight_multiplier: "2" })?.freeRam).to.equal(
      2 * (usual?.freeRam ?? 0),
    );
    expect(weights({ freeDisk_weight_multiplier: "1" })?.freeDisk).to.equal(0.99);
    expect(weights({ freeRam_weight_multiplier: "0" })).to.not.have.property("freeRam");
    expect(weights({ ram_weight_multiplier: "much" })).to.deep.equal(usual);
  });

  /**
   * The reference: asks every filter about every host, weighs by hand, and sorts with equals in round robin.
   */
  const byHand = (weighed: Scheduler, state: SchedulerState, asked: ReturnType<typeof timed>) => {
    const prepared = new Prepared(weighed, asked);
    const hosts = [...state.hosts];
    const first = hosts.length === 0 ? 0 : state.turn % hosts.length;
    return [...hosts.slice(first), ...hosts.slice(0, first)]
      .filter((view) => prepared.fits(view))
      .map((view) => ({ hostId: view.id, score: prepared.score(view) }))
      .sort((left, right) => right.score - left.score)
      .slice(0, schedulerLimits.candidatesMax);
  };

  // Few values, so that many hosts are equal; many hosts, so that some chunks are skipped.
  const anyHost = fc.record({
    vcpusClaimed: fc.constantFrom(0, 0, 3, 7),
    memoryMibClaimed: fc.constantFrom(0, 4_096, 8_192),
    vcpus: fc.constantFrom(8, 8, 4),
    failedBuilds: fc.constantFrom(0, 0, 0, 1),
    enabled: fc.constantFrom(true, true, false),
    aggregates: fc.constantFrom(
      ...[[], [], aggregates({ cpu_weight_multiplier: "-1" }, { ioLoad_weight_multiplier: "5" }).aggregates],
    ),
  });
  const multipliers = fc.dictionary(
    fc.constantFrom(...weighers.map(({ name }) => name)),
    fc.constantFrom(-2, -1, 0, 0.5, 1, 3),
  );
  const ids = fc.array(
    fc.nat(300).map((index) => `h${String(index).padStart(3, "0")}`),
    { maxLength: 20 },
  );
  const anyAsked = fc.oneof(
    fc.constant({}),
    fc.record({ vcpus: fc.constantFrom(1, 4, 8), memoryMib: fc.constantFrom(0, 4_096) }),
    fc.record({ hints: fc.record({ sameHost: ids }) }),
    ids.map((hostIds) => soft("soft-affinity", ...hostIds)),
    ids.map((hostIds) => soft("soft-anti-affinity", ...hostIds)),
  );
  const anyHosts = fc.array(anyHost, { maxLength: 300, size: "max" });

  it("whatever is passed by, the ranking is the one that is made by hand", () => {
    fc.assert(
      fc.property(anyHosts, multipliers, anyAsked, fc.nat(600), (hosts, chosen, asked, turn) => {
        const weighed = createScheduler({ weighers: chosen });
        const records = hosts.map((one, index) => host(`h${String(index).padStart(3, "0")}`, one));
        const state = { ...knowing(...records), turn };
        expect(rank(weighed, state, timed(asked))).to.deep.equal(byHand(weighed, state, timed(asked)));
      }),
      { seed, numRuns: 300 },
    );
  });

  it("nor does the ranking change when hosts change after they were looked at", () => {
    fc.assert(
      fc.property(anyHosts, fc.array(fc.nat(299), { maxLength: 30 }), fc.nat(600), (hosts, claims, turn) => {
        const records = hosts.map((one, index) => host(`h${String(index).padStart(3, "0")}`, one));
        let state: SchedulerState = { ...knowing(...records), turn };
        for (const index of claims) {
          rank(scheduler, state, timed());
          state = withHost(state, `h${String(index).padStart(3, "0")}`, (view) =>
            withClaim(view, request(), 1),
          );
        }
        expect(rank(scheduler, state, timed())).to.deep.equal(byHand(scheduler, state, timed()));
      }),
      { seed, numRuns: 50 },
    );
  });
});
