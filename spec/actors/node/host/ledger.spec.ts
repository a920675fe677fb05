/**
 * The ledger: which observations are reported once, again, or not any more; and that none is forgotten before
 * it is stored.
 */
import { expect } from "chai";
import fc from "fast-check";
import { Ledger } from "../../../../actors/node/host/ledger.ts";
import { hostLimits } from "../../../../actors/node/host/limits.ts";
import type { Observation } from "../../../../protocol/machine.ts";

const observation = (instanceId: string, changes: Partial<Observation> = {}): Observation => ({
  instanceId,
  ownerEpoch: 1,
  generation: 1,
  intentGeneration: 1,
  resetCount: 0,
  state: "running",
  reason: "requested",
  message: "",
  address: null,
  startedAtMs: null,
  atMs: 0,
  ...changes,
});
const ids = (taken: readonly Observation[]) => taken.map(({ instanceId }) => instanceId);
const stored = (...names: string[]) => new Set(names);

describe("host: ledger", () => {
  it("gives what changed once, in the order in which it changed, and only the newest of it", () => {
    const ledger = new Ledger();
    ledger.put(observation("a"), "now");
    ledger.put(observation("b"), "now");
    const newest = observation("a", { generation: 2 });
    ledger.put(newest, "now");
    expect(ledger.take(10)).to.deep.equal([observation("b"), newest]);
    expect(ledger.take(10)).to.deep.equal([]);
  });

  it("gives at most as many as are asked for, the rest later", () => {
    const ledger = new Ledger();
    for (const id of ["a", "b", "c"]) ledger.put(observation(id), "now");
    expect([ids(ledger.take(2)), ledger.changes, ids(ledger.take(2))]).to.deep.equal([["a", "b"], 1, ["c"]]);
  });

  it("gives what is young after two ripenings, unless it changed in between", () => {
    const ledger = new Ledger();
    ledger.put(observation("a", { state: "preparing" }), "whenOld");
    expect([ledger.ripen(), ledger.take(10)]).to.deep.equal([true, []]);
    ledger.put(observation("b", { state: "preparing" }), "whenOld");
    expect([ledger.ripen(), ids(ledger.take(10))]).to.deep.equal([true, ["a"]]);
    ledger.put(observation("b", { generation: 2 }), "now");
    expect(ids(ledger.take(10))).to.deep.equal(["b"]);
    expect(ledger.ripen()).to.equal(false);
    expect(ledger.take(10)).to.deep.equal([]);
  });

  it("gives what was told by an answer in the next period, but nothing that waits for its place later", () => {
    const ledger = new Ledger();
    ledger.put(observation("a"), "nextPeriod");
    expect([ledger.ripen(), ledger.take(10), ledger.isStored]).to.deep.equal([false, [], false]);
    ledger.renew();
    expect(ids(ledger.take(10))).to.deep.equal(["a"]);
    ledger.put(observation("b", { state: "gone" }), "now");
    ledger.put(observation("b", { ownerEpoch: 2 }), "nextPeriod");
    ledger.ripen();
    ledger.ripen();
    expect(ledger.take(10).map(({ ownerEpoch }) => ownerEpoch)).to.deep.equal([1]);
  });

  it("gives at once what was in a report that nobody answered", () => {
    const ledger = new Ledger();
    ledger.put(observation("a"), "now");
    ledger.lost(ledger.take(10));
    expect(ids(ledger.take(10))).to.deep.equal(["a"]);
  });

  it("gives what was not stored in the next period", () => {
    const ledger = new Ledger();
    ledger.put(observation("a"), "now");
    ledger.settle(ledger.take(10), stored());
    expect([ledger.take(10), ledger.isStored]).to.deep.equal([[], false]);
    ledger.renew();
    ledger.settle(ledger.take(10), stored("a"));
    expect(ledger.isStored).to.equal(true);
  });

  it("does not take a newer observation for stored when an older one was", () => {
    const ledger = new Ledger();
    ledger.put(observation("a"), "now");
    const sent = ledger.take(10);
    ledger.put(observation("a", { generation: 2 }), "now");
    ledger.settle(sent, stored("a"));
    expect(ledger.take(10).map(({ generation }) => generation)).to.deep.equal([2]);
  });

  it("forgets what is gone when that is stored, not before", () => {
    const ledger = new Ledger();
    ledger.put(observation("a", { state: "gone" }), "now");
    ledger.settle(ledger.take(10), stored());
    expect(ledger.size).to.equal(1);
    ledger.renew();
    ledger.settle(ledger.take(10), stored("a"));
    expect([ledger.size, ledger.isStored]).to.deep.equal([0, true]);
  });

  it("says that an epoch is gone before it speaks of the next one", () => {
    const ledger = new Ledger();
    ledger.put(observation("a", { state: "gone" }), "now");
    ledger.put(observation("a", { ownerEpoch: 2 }), "now");
    expect(ledger.latest("a")?.ownerEpoch).to.equal(2);
    const sent = ledger.take(10);
    expect(sent.map(({ ownerEpoch }) => ownerEpoch)).to.deep.equal([1]);
    ledger.settle(sent, stored("a"));
    expect(ledger.take(10).map(({ ownerEpoch }) => ownerEpoch)).to.deep.equal([2]);
  });

  it("remembers a bounded number of those that are gone, the newest, and never an older epoch", () => {
    const ledger = new Ledger();
    for (let index = 0; index <= hostLimits.tombstonesMax; index++)
      ledger.bury(`i${index}`, { ownerEpoch: 1, generation: 1 });
    expect(ledger.tombstone("i0")).to.equal(undefined);
    ledger.bury("i1", { ownerEpoch: 3, generation: 5 });
    ledger.bury("i1", { ownerEpoch: 2, generation: 9 });
    expect(ledger.tombstone("i1")).to.deep.equal({ ownerEpoch: 3, generation: 5 });
  });

  it("never forgets what is not stored, whatever becomes of the reports", () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "put", "take", "stored", "refused", "lost", "ripen", "renew"),
      id: fc.constantFrom("a", "b", "c"),
      due: fc.constantFrom("now", "whenOld", "nextPeriod"),
    });
    const property = fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const ledger = new Ledger();
      const known = new Map<string, number>();
      const flying: (readonly Observation[])[] = [];
      let generation = 0;
      const store = (sent: readonly Observation[]) => {
        for (const one of sent)
          known.set(one.instanceId, Math.max(one.generation, known.get(one.instanceId) ?? 0));
        ledger.settle(sent, new Set(ids(sent)));
      };
      for (const { kind, id, due } of steps) {
        if (kind === "put") ledger.put(observation(id, { generation: ++generation }), due);
        if (kind === "take") flying.push(ledger.take(2));
        if (kind === "stored") store(flying.shift() ?? []);
        if (kind === "refused") ledger.settle(flying.shift() ?? [], new Set());
        if (kind === "lost") ledger.lost(flying.shift() ?? []);
        if (kind === "ripen") ledger.ripen();
        if (kind === "renew") ledger.renew();
      }
      for (const sent of flying) ledger.lost(sent);
      for (let round = 0; round < 20; round++) {
        ledger.ripen();
        ledger.renew();
        store(ledger.take(10));
      }
      expect(ledger.isStored).to.equal(true);
      for (const { instanceId, generation } of ledger.all())
        expect(known.get(instanceId)).to.equal(generation);
    });
    fc.assert(property, { seed: Number(process.env.SEED ?? Date.now() % 1_000_000) });
  });
});
