/** Which cached images go when room is needed, by value. */
import { expect } from "chai";
import { type CacheBounds, chooseEvicted } from "../../../../nodes/drivers/images/eviction.ts";

const files = [
  { sha256: "new", allocatedBytes: 100, usedAtMs: 30 },
  { sha256: "old", allocatedBytes: 100, usedAtMs: 10 },
  { sha256: "middle", allocatedBytes: 100, usedAtMs: 20 },
];
const choose = (bounds: Partial<CacheBounds>, ...inUse: string[]) =>
  chooseEvicted(files, new Set(inUse), {
    ...{ cacheBytesMax: undefined, freeBytes: 1_000, freeBytesMin: 0, wantedBytes: 0 },
    ...bounds,
  });

describe("the choice of the cached images that go", () => {
  it("is empty while there is room", () => {
    expect(choose({ wantedBytes: 1_000 })).to.deep.equal({ evicted: [], enough: true });
    expect(choose({ cacheBytesMax: 400, wantedBytes: 100 })).to.deep.equal({ evicted: [], enough: true });
  });

  it("is of the least recently used, and of no more than needed", () => {
    expect(choose({ cacheBytesMax: 399, wantedBytes: 100 }).evicted).to.deep.equal(["old"]);
    expect(choose({ cacheBytesMax: 250, wantedBytes: 100 }).evicted).to.deep.equal(["old", "middle"]);
    expect(choose({ freeBytesMin: 950, wantedBytes: 60 }).evicted).to.deep.equal(["old"]);
    expect(choose({ cacheBytesMax: 399, freeBytesMin: 950, wantedBytes: 200 }).evicted).to.deep.equal([
      ...["old", "middle"],
    ]);
  });

  it("is last of what is on its way to other hosts, and of that as well before a guest has no room", () => {
    const bounds = { cacheBytesMax: 400, freeBytes: 1_000, freeBytesMin: 0 };
    const sending = new Set(["old", "middle"]);
    const of = (wantedBytes: number) => chooseEvicted(files, new Set(), { ...bounds, wantedBytes }, sending);
    expect(of(200).evicted).to.deep.equal(["new"]);
    expect(of(300).evicted).to.deep.equal(["new", "old"]);
    expect(of(400)).to.deep.equal({ evicted: ["new", "old", "middle"], enough: true });
  });

  it("leaves what is in use, and counts it all the same", () => {
    expect(choose({ cacheBytesMax: 300, wantedBytes: 100 }, "old").evicted).to.deep.equal(["middle"]);
    expect(choose({ cacheBytesMax: 300, wantedBytes: 300 }, "old")).to.deep.equal({
      evicted: [],
      enough: false,
    });
  });

  it("is empty when all of it would not be enough", () => {
    expect(choose({ freeBytesMin: 1_400 })).to.deep.equal({ evicted: [], enough: false });
    expect(choose({ freeBytesMin: 1_300 }).evicted).to.deep.equal(["old", "middle", "new"]);
  });

  it("brings a cache within a bound that was lowered", () => {
    expect(choose({ cacheBytesMax: 100 }).evicted).to.deep.equal(["old", "middle"]);
  });
});
