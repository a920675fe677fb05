/** The line of commits before their batch: shares of clients and of the system, order, what goes alone. */
import { expect } from "chai";
import * as fc from "fast-check";
import { CommitQueue, type Queued } from "../../../db/postgres/commit-queue.ts";
import { postgresLimits } from "../../../db/postgres/limits.ts";

interface One extends Queued {
  readonly name: string;
}

const { commitBatchMax, commitBatchOtherMin } = postgresLimits;
const one = (name: string, asked: boolean, change: Partial<Queued["commit"]> = {}): One => ({
  ...{ name, asked },
  commit: {
    lists: new Map(),
    events: 1,
    bytes: 100,
    mergeable: true,
    frees: false,
    writes: [name],
    ...change,
  },
});
const many = (count: number, asked: boolean) =>
  Array.from({ length: count }, (_, index) => one(`${asked ? "asked" : "own"} ${index}`, asked));

describe("the queue of commits", () => {
  const filled = (...commits: One[]) => {
    const queue = new CommitQueue<One>();
    for (const commit of commits) queue.push(commit);
    return queue;
  };

  it("gives what the system does by itself a place in the first batch, however many clients ask", () => {
    const queue = filled(...many(10_000, true), ...many(200, false));
    const own = () => queue.take().filter(({ asked }) => !asked).length;
    expect([own(), own(), own()]).to.deep.equal([
      ...[commitBatchMax - commitBatchOtherMin, commitBatchOtherMin, commitBatchMax - commitBatchOtherMin],
    ]);
  });

  it("gives a whole batch to one line when the other is empty", () => {
    for (const asked of [true, false]) {
      const queue = filled(...many(2 * commitBatchMax, asked));
      expect([queue.take(), queue.take()].map(({ length }) => length)).to.deep.equal([
        ...[commitBatchMax, commitBatchMax],
      ]);
    }
  });

  it("lets neither line wait for the commits of the other that go alone", () => {
    const alone = Array.from({ length: 10 }, (_, at) => one(`alone ${at}`, false, { mergeable: false }));
    const queue = filled(...alone, ...many(3, true));
    expect(queue.take().map(({ name }) => name)).to.deep.equal(["alone 0"]);
    expect(queue.take().map(({ name }) => name)).to.deep.equal(["asked 0", "asked 1", "asked 2"]);
  });

  it("keeps two commits of one instance apart, and in their order", () => {
    const twice = [one("a", true), one("b", true), one("a", true, { bytes: 1 })];
    const queue = filled(...twice);
    expect(queue.take()).to.deep.equal(twice.slice(0, 2));
    expect(queue.take()).to.deep.equal(twice.slice(2));
  });

  it("puts what goes again before all others of its line", () => {
    const queue = filled(...many(5, true), ...many(5, false));
    const first = queue.take();
    queue.push(one("late", true));
    queue.putBack(first);
    const names = [0, 1, 2, 3, 4];
    expect(queue.take().map(({ name }) => name)).to.deep.equal([
      ...[...names.map((at) => `asked ${at}`), "late", ...names.map((at) => `own ${at}`)],
    ]);
  });

  it("loses nothing, doubles nothing and keeps the order of each line, whatever comes", () => {
    const commits = fc.array(
      fc.record({
        asked: fc.boolean(),
        mergeable: fc.boolean(),
        bytes: fc.integer({ min: 1, max: postgresLimits.commitBatchBytesMax }),
        writes: fc.constantFrom("a", "b", "c", "d"),
      }),
      { minLength: 1, maxLength: 300, size: "max" },
    );
    fc.assert(
      fc.property(commits, (all) => {
        const queued = all.map(({ asked, writes, ...rest }, index) =>
          one(String(index), asked, { ...rest, writes: [`${asked} ${writes}`] }),
        );
        const queue = filled(...queued);
        const taken: One[] = [];
        while (queue.length > 0) {
          const batch = queue.take();
          expect(batch).to.not.have.length(0);
          expect(batch.length).to.be.at.most(commitBatchMax);
          expect(batch.length === 1 || batch.every(({ commit }) => commit.mergeable)).to.equal(true);
          expect(new Set(batch.flatMap(({ commit }) => commit.writes)).size).to.equal(batch.length);
          taken.push(...batch);
        }
        for (const line of [true, false])
          expect(taken.filter(({ asked }) => asked === line)).to.deep.equal(
            queued.filter(({ asked }) => asked === line),
          );
      }),
    );
  });
});
