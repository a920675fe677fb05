/** Which address comes next. */
import { expect } from "chai";
import fc from "fast-check";
import { nextFree, poolSize } from "../../../../actors/control/networking/allocation.ts";

const pool = (first: number, last: number) =>
  ({ version: 4, first: BigInt(first), last: BigInt(last) }) as const;
const next = (pools: readonly ReturnType<typeof pool>[], taken: readonly number[], last: number | null) =>
  nextFree(pools, new Set(taken.map(BigInt)), last === null ? null : BigInt(last));

describe("the next free address", () => {
  it("is the one after the last that was given, and from the beginning again when there is none", () => {
    expect(next([pool(1, 5)], [], null)).to.equal(1n);
    expect(next([pool(1, 5)], [1], 1)).to.equal(2n);
    expect(next([pool(1, 5)], [2, 3], 1)).to.equal(4n);
    expect(next([pool(1, 5)], [4, 5], 4)).to.equal(1n);
    expect(next([pool(1, 2), pool(7, 9)], [1], 2)).to.equal(7n);
    expect(next([pool(1, 2), pool(7, 9)], [], 9)).to.equal(1n);
    expect(next([pool(1, 2)], [1], 77)).to.equal(2n);
    expect(next([pool(1, 2)], [1, 2], 1)).to.equal(undefined);
    expect(next([], [], null)).to.equal(undefined);
  });

  it("is always free and of a pool, and there is none only when all are taken", () => {
    const pools = fc.uniqueArray(fc.nat(40), { minLength: 2, maxLength: 8 }).map((ends) => {
      const sorted = [...ends].sort((one, other) => one - other);
      return sorted.flatMap((end, at) => (at % 2 === 1 ? [pool(sorted[at - 1] ?? end, end)] : []));
    });
    fc.assert(
      fc.property(pools, fc.array(fc.nat(40)), fc.option(fc.nat(40)), (given, taken, last) => {
        const all = given.flatMap(({ first, last: end }) =>
          Array.from({ length: Number(end - first) + 1 }, (_, at) => first + BigInt(at)),
        );
        expect(poolSize(given)).to.equal(BigInt(all.length));
        const free = all.filter((one) => !taken.some((other) => BigInt(other) === one));
        const found = next(given, taken, last);
        if (found === undefined) expect(free).to.deep.equal([]);
        else expect(free).to.include(found);
      }),
    );
  });
});
