/** The log that guests of the load leave on volumes, and the disk that writes it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { logOf, readWriterLog } from "../../../nodes/chaos/writer-log.ts";
import { writingDisk } from "../../../nodes/chaos/writing-disk.ts";

const record = (number: number, writer: string) => ({ number, writer });
const sector = (number: number, writer: number): Buffer => {
  const bytes = Buffer.alloc(512);
  bytes.write("NVCT");
  bytes.writeUInt32LE(number, 4);
  bytes.writeUInt32LE(writer, 8);
  return bytes;
};

describe("chaos: the log of writers", () => {
  it("says who wrote what in a row, and what is lost", () => {
    const records = [
      record(1, "a"),
      record(2, "a"),
      record(3, "b"),
      undefined,
      record(4, "b"),
      record(6, "a"),
    ];
    expect(logOf(6, records)).to.deep.equal({
      count: 6,
      runs: [
        { writer: "a", from: 1, to: 2 },
        { writer: "b", from: 3, to: 3 },
        { writer: "a", from: 6, to: 6 },
      ],
      lost: [4, 5],
    });
  });

  it("is read from a file, which may be empty, or not there", async () => {
    const directory = mkdtempSync(join(tmpdir(), "novact-writers-"));
    try {
      const path = join(directory, "data.raw");
      expect(await readWriterLog(path)).to.equal(undefined);
      writeFileSync(path, Buffer.alloc(4_096));
      expect(await readWriterLog(path)).to.equal(undefined);
      writeFileSync(path, Buffer.concat([sector(2, 0xab), sector(1, 0xab), sector(2, 0xab)]));
      expect(await readWriterLog(path)).to.deep.equal({
        ...{ count: 2, runs: [{ writer: "ab", from: 1, to: 2 }], lost: [] },
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("is written by a disk that boots", () => {
    const disk = writingDisk();
    expect([disk.length, disk.readUInt16LE(510)]).to.deep.equal([2_048 * 512, 0xaa55]);
    expect(disk.indexOf("NVCT")).to.be.above(0);
  });
});
