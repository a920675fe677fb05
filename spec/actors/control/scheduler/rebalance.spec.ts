/** Which moves are proposed: by value, and for random clusters. */
import { expect } from "chai";
import fc from "fast-check";
import type { PlacementRequest } from "../../../../actors/control/scheduler/messages.ts";
import { loadOf, type RebalanceInstance, rebalance } from "../../../../actors/control/scheduler/rebalance.ts";
import { viewIn, withClaim, withHost } from "../../../../actors/control/scheduler/state.ts";
import type { HostRecord } from "../../../../actors/records/host.ts";
import { host, knowing, request, scheduler } from "./worlds.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

const instance = (
  id: string,
  hostId: string,
  changes: Partial<PlacementRequest> = {},
): RebalanceInstance => ({
  id,
  hostId,
  request: request({ vcpus: 2, memoryMib: 2_048, ...changes }),
  movable: true,
});

/** A scheduler state whose hosts hold exactly these instances. */
function holding(instances: readonly RebalanceInstance[], hosts: readonly HostRecord[]) {
  let state = knowing(...hosts);
  for (const { hostId, request: taken } of instances)
    state = withHost(state, hostId, (view) => withClaim(view, taken, 1));
  return state;
}

const proposed = (
  instances: readonly RebalanceInstance[],
  hosts: readonly HostRecord[],
  limits = { movesMax: 10, gainMin: 0.001 },
) => rebalance({ scheduler, state: holding(instances, hosts), instances, limits, atMs: 1 });

const moved = ({ moves }: ReturnType<typeof proposed>) =>
  moves.map(({ instanceId, fromHostId, toHostId }) => `${instanceId}: ${fromHostId} → ${toHostId}`);

describe(`scheduler: rebalance (seed ${seed})`, () => {
  it("moves from the full to the empty until no move is better, and says what it gains", () => {
    const four = ["i1", "i2", "i3", "i4"].map((id) => instance(id, "a"));
    const plan = proposed(four, [host("a"), host("b")]);
    expect(moved(plan)).to.deep.equal(["i1: a → b", "i2: a → b"]);
    expect(plan).to.include({ spreadBefore: 0.5, spreadAfter: 0, end: "noBetterMove" });
    expect(plan.moves.map(({ gain }) => gain)).to.deep.equal([0.25, 0.25]);
  });

  it("takes the instance whose move gains most", () => {
    const small = instance("small", "a", { vcpus: 1, memoryMib: 1_024 });
    const three = [small, instance("large", "a"), instance("other", "a")];
    expect(moved(proposed(three, [host("a"), host("b")]))[0]).to.equal("large: a → b");
  });

  it("proposes nothing for hosts that are alike, nor for what gains too little", () => {
    const alike = [instance("i1", "a"), instance("i2", "b")];
    expect(moved(proposed(alike, [host("a"), host("b")]))).to.deep.equal([]);
    const limits = { movesMax: 10, gainMin: 0.3 };
    const two = [instance("i1", "a"), instance("i2", "a")];
    expect(moved(proposed(two, [host("a"), host("b")], limits))).to.deep.equal([]);
  });

  it("proposes no more than it may", () => {
    const four = ["i1", "i2", "i3", "i4"].map((id) => instance(id, "a"));
    const plan = proposed(four, [host("a"), host("b")], { movesMax: 1, gainMin: 0 });
    expect(plan.moves).to.have.length(1);
    expect(plan.end).to.equal("movesMax");
  });

  it("leaves alone what may not be moved, and counts the reasons", () => {
    const fixed = ["i1", "i2"].map((id) => ({ ...instance(id, "a"), movable: "its disk is local" }));
    const plan = proposed(fixed, [host("a"), host("b")]);
    expect(plan.moves).to.deep.equal([]);
    expect([...plan.unmovable]).to.deep.equal([["its disk is local", 2]]);
  });

  it("moves to no host that a filter refuses", () => {
    const two = [instance("i1", "a"), instance("i2", "a")];
    expect(moved(proposed(two, [host("a"), host("b", { enabled: false })]))).to.deep.equal([]);
    const inStorage = two.map((one) => ({ ...one, request: { ...one.request, storageId: "s" } }));
    expect(moved(proposed(inStorage, [host("a"), host("b")]))).to.deep.equal([]);
  });

  it("keeps apart what a group keeps apart, also from members that were moved just before", () => {
    const apart = (id: string, hostIds: readonly string[]) =>
      instance(id, "a", { group: { id: "g", policy: "anti-affinity", hostIds, maxPerHost: 1 } });
    const both = [apart("i1", ["a", "c"]), apart("i2", ["a", "c"])];
    const plan = proposed(both, [host("a"), host("b"), host("c")]);
    expect(moved(plan)).to.deep.equal(["i1: a → b"]);
  });

  it("lets a lone member of a group that wants to be together go anywhere, and two nowhere", () => {
    const member = (id: string, others: readonly string[]) =>
      instance(id, "a", { group: { id: "g", policy: "affinity", hostIds: others } });
    const stays = instance("stays", "a");
    const alone = [member("i1", []), { ...stays, movable: "it is locked" }];
    expect(moved(proposed(alone, [host("a"), host("b")]))).to.deep.equal(["i1: a → b"]);
    const two = [member("i1", ["a"]), member("i2", ["a"])];
    expect(moved(proposed(two, [host("a"), host("b")]))).to.deep.equal([]);
  });

  const anyWorld = fc.record({
    hosts: fc.integer({ min: 1, max: 8 }),
    places: fc.array(fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 3 })), { maxLength: 20 }),
    movesMax: fc.nat(10),
  });

  it("never raises the spread, overfills no host, moves nothing twice, and says what it does", () => {
    fc.assert(
      fc.property(anyWorld, ({ hosts: count, places, movesMax }) => {
        const hosts = Array.from({ length: count }, (_, index) =>
          host(`h${index}`, { vcpus: 100, memoryMib: 40_960 }),
        );
        const instances = places.map(([at, size], index) =>
          instance(`i${index}`, `h${at % count}`, { vcpus: size, memoryMib: size * 1_024 }),
        );
        const plan = proposed(instances, hosts, { movesMax, gainMin: 0 });
        let state = holding(instances, hosts);
        for (const { instanceId, fromHostId, toHostId, gain } of plan.moves) {
          const taken = instances.find(({ id }) => id === instanceId);
          expect(taken?.hostId).to.equal(fromHostId);
          expect(gain).to.be.greaterThan(0);
          if (taken === undefined) return;
          state = withHost(state, fromHostId, (view) => withClaim(view, taken.request, -1));
          state = withHost(state, toHostId, (view) => withClaim(view, taken.request, 1));
          expect(viewIn(state, toHostId)?.claimed.memoryMib).to.be.at.most(40_960);
        }
        expect(new Set(plan.moves.map(({ instanceId }) => instanceId)).size).to.equal(plan.moves.length);
        const loads = [...state.hosts].map(loadOf);
        const mean = loads.reduce((sum, load) => sum + load, 0) / count;
        const spread = Math.sqrt(loads.reduce((sum, load) => sum + (load - mean) ** 2, 0) / count);
        expect(plan.spreadAfter).to.be.closeTo(spread, 1e-6);
        expect(plan.spreadAfter).to.be.at.most(plan.spreadBefore);
      }),
      { seed },
    );
  });
});
