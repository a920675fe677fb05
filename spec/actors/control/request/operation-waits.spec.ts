/** Waiting for the ends of operations: one statement looks for all of them, whoever waits. */
import { expect } from "chai";
import { requestLimits } from "../../../../actors/control/request/limits.ts";
import * as rows from "../../../support/store-rows.ts";
import { operationOf, outcomeOf, WaitingWorld } from "./waiting-world.ts";

async function world() {
  const w = new WaitingWorld();
  await w.commits.commit(rows.catalog);
  return w;
}

describe("waiting for operations", () => {
  it("is told of an end that this controller commits, without a read, with what was committed", async () => {
    const w = await world();
    await w.commits.commit(operationOf("o1", 1, false));
    const wait = outcomeOf(w.waits.untilEnded(["o1"], w.until()));
    await w.clock.advance(100);
    await w.commits.commit({
      ...operationOf("o1", 2, true),
      machines: [rows.machine("o1", { ownerEpoch: 0 })],
    });
    await w.clock.settle();
    expect(wait.value?.get("o1")?.operation.state).to.equal("done");
    expect(wait.value?.get("o1")?.row?.instance.version).to.equal(2);
    expect(w.reads.ended).to.equal(0);
  });

  it("looks first for one that it does not know, and finds one that ended before", async () => {
    const w = await world();
    await w.commits.commit(operationOf("o1", 1, true));
    const wait = outcomeOf(w.other.untilEnded(["o1"], w.until()));
    await w.clock.advance(20);
    expect([...(wait.value?.keys() ?? [])]).to.deep.equal(["o1"]);
  });

  it("reads once a second for a thousand who wait for as many operations", async () => {
    const w = await world();
    const ids = Array.from({ length: 300 }, (_, at) => `o${at}`);
    for (const id of ids) await w.commits.commit(operationOf(id, 1, false));
    const waits = Array.from({ length: 1_000 }, (_, at) =>
      outcomeOf(w.other.untilEnded([`o${at % 300}`], w.until())),
    );
    await w.clock.advance(50);
    w.forgetReads();
    await w.clock.advance(5 * requestLimits.lookAgainMs);
    expect([w.reads.ended, w.atOnce]).to.deep.equal([5, 1]);
    w.forgetReads();
    for (const id of ids) await w.commits.commit(operationOf(id, 2, true));
    w.other.hint({ lastSequence: 600, ended: ids, projects: ["demo"] });
    await w.clock.advance(50);
    expect(w.reads.ended).to.equal(1);
    expect(waits.filter(({ value }) => value !== undefined)).to.have.length(1_000);
  });

  it("waits for all of many, and answers those that ended when its time is over", async () => {
    const w = await world();
    for (const id of ["o1", "o2", "o3"]) await w.commits.commit(operationOf(id, 1, false));
    const [all, some] = [
      outcomeOf(w.waits.untilEnded(["o1", "o2"], w.until(4_000))),
      outcomeOf(w.waits.untilEnded(["o1", "o3"], w.until(4_000))),
    ];
    await w.commits.commit(operationOf("o1", 2, true));
    await w.clock.advance(2_000);
    expect([all.value, some.value]).to.deep.equal([undefined, undefined]);
    await w.commits.commit(operationOf("o2", 2, true));
    await w.clock.settle();
    expect([...(all.value?.keys() ?? [])]).to.deep.equal(["o1", "o2"]);
    await w.clock.advance(2_000);
    expect([...(some.value?.keys() ?? [])]).to.deep.equal(["o1"]);
  });

  it("finds an end of which every hint was lost, within a second", async () => {
    const w = await world();
    await w.commits.commit(operationOf("o1", 1, false));
    const wait = outcomeOf(w.other.untilEnded(["o1"], w.until()));
    await w.clock.advance(20);
    await w.commits.commit(operationOf("o1", 2, true));
    await w.clock.advance(requestLimits.lookAgainMs);
    expect(wait.value?.has("o1")).to.equal(true);
  });

  it("reads nothing any more when nobody waits", async () => {
    const w = await world();
    await w.commits.commit(operationOf("o1", 1, false));
    outcomeOf(w.other.untilEnded(["o1"], w.until(1_500)));
    await w.clock.advance(2_000);
    w.forgetReads();
    await w.clock.advance(10_000);
    expect(w.reads.ended).to.equal(0);
  });
});
