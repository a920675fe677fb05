/** The check of a counting guest's volume finds what it looks for: by value, and read from a file. */
import { randomUUID } from "node:crypto";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Boot } from "../../../nodes/bench/counters.ts";
import { recordBytes } from "../../../nodes/bench/counting-guest.ts";
import { checkRecords, recordsOf, type VolumeRecord } from "../../../nodes/bench/volume-check.ts";
import { temporaryDirectory } from "../../support/driver-world.ts";

const [one, other] = [randomUUID(), randomUUID()];
const record = (place: number, bootId: string, number = place): VolumeRecord => ({
  ...{ place, text: `${number} ${bootId} 12.34` },
});
const boot = (bootId: string, last: number): Boot => ({
  ...{ bootId, node: "node-1", first: 1, firstAtMs: 0, last, lastAtMs: 0, gapMs: 0 },
});
const good = [record(5, one), record(6, one), record(7, other), record(8, other)];
const problems = (records: readonly VolumeRecord[], boots: readonly Boot[] = []) =>
  checkRecords(records, boots).problems;

describe("the check of a volume that a guest counts on", () => {
  it("is content with one life after the other, from the moment at which the volume came", () => {
    const said = [boot(randomUUID(), 3), boot(one, 6), boot(other, 8)];
    expect(checkRecords(good, said)).to.deep.equal({ problems: [], lines: 4 });
    // What was written and not said yet may be there, and the next life writes it again.
    expect(problems(good, [boot(one, 5), boot(other, 7)])).to.deep.equal([]);
  });

  it("finds a number that is missing, and one in the place of another", () => {
    expect(problems([record(5, one), record(7, one)])).to.have.length(1);
    expect(problems([record(5, one), record(6, one, 9)])).to.have.length(1);
    expect(problems([record(5, one), { place: 6, text: "garbage" }, record(7, one)])).not.to.deep.equal([]);
  });

  it("finds a life that wrote beside another", () => {
    const [found = ""] = problems([...good.slice(0, 3), record(8, one)]);
    expect(found).to.match(/^block 8 .* a life that had ended/);
  });

  it("finds a number that was said and is not there", () => {
    expect(problems(good, [boot(other, 9)])).to.have.length(1);
    expect(problems(good, [boot(randomUUID(), 6)])).to.have.length(1);
    expect(problems([], [boot(one, 1)])).to.have.length(1);
  });

  it("reads what is on the volume, wherever it begins", async () => {
    const { path, remove } = await temporaryDirectory();
    try {
      const file = join(path, "data.raw");
      const bytes = Buffer.alloc(9 * recordBytes);
      for (const { place, text } of good) bytes.write(`${text}\n`, place * recordBytes);
      writeFileSync(file, bytes);
      expect(await recordsOf(file)).to.deep.equal(good);
      truncateSync(file, 64 * 1024 ** 2);
      expect(await recordsOf(file)).to.deep.equal(good);
    } finally {
      await remove();
    }
  });
});
