/** What is read of a foreign disk before any tool sees it, by value. */
import { expect } from "chai";
import { imageLimits } from "../../../../../nodes/drivers/images/limits.ts";
import type { ReadableFile } from "../../../../../nodes/drivers/images/qcow2-tables.ts";
import { checkForeignDisk } from "../../../../../nodes/drivers/images/uploads/foreign-disk.ts";
import {
  checkVdiTables,
  checkVmdkTables,
} from "../../../../../nodes/drivers/images/uploads/foreign-tables.ts";
import {
  checkPacking,
  staysAsSent,
  unpackedBytesMax,
} from "../../../../../nodes/drivers/images/uploads/packing.ts";

const sector = 512;
const noDirectory = 0xffff_ffff_ffff_ffffn;

interface Given {
  readonly capacity?: bigint;
  readonly type?: string;
  readonly extents?: string;
  readonly flags?: number;
  readonly directoryAt?: bigint;
}

/** A VMDK of 64 grains of 8 sectors in one table, whose grains begin at sector 64. */
function vmdk(given: Given = {}): Buffer {
  const { type = "monolithicSparse", extents = 'RW 512 SPARSE "a.vmdk"' } = given;
  const file = Buffer.alloc(128 * sector);
  file.write("KDMV");
  file.writeUInt32LE(given.flags ?? 3, 8);
  file.writeBigUInt64LE(given.capacity ?? 512n, 12);
  file.writeBigUInt64LE(8n, 20);
  file.writeBigUInt64LE(1n, 28);
  file.writeBigUInt64LE(20n, 36);
  file.writeUInt32LE(64, 44);
  file.writeBigUInt64LE(given.directoryAt ?? 30n, 56);
  file.write(`version=1\nparentCID=ffffffff\ncreateType="${type}"\n${extents}\n`, sector);
  file.writeUInt32LE(40, 30 * sector);
  return file;
}
const grain = (file: Buffer, index: number, at: number): Buffer => {
  file.writeUInt32LE(at, 40 * sector + index * 4);
  return file;
};
const readable = (bytes: Buffer): ReadableFile => ({
  sizeBytes: bytes.length,
  read: async (at, length) => bytes.subarray(at, at + length),
});
const verdict = (work: () => void): string => {
  try {
    work();
    return "passed";
  } catch (error) {
    return error instanceof Error ? error.message : "odd";
  }
};
const tables = (bytes: Buffer): Promise<string> =>
  checkVmdkTables(bytes, readable(bytes)).then(
    () => "passed",
    (error: unknown) => (error instanceof Error ? error.message : "odd"),
  );

describe("the beginning of a foreign disk", () => {
  it("passes when it is of one file", () => {
    expect(verdict(() => checkForeignDisk(vmdk(), "vmdk"))).to.equal("passed");
    const stream = vmdk({ type: "streamOptimized", flags: 3 | (1 << 16) });
    expect(verdict(() => checkForeignDisk(stream, "vmdk"))).to.equal("passed");
  });

  for (const [name, given, why] of [
    ["a kind of several files", { type: "twoGbMaxExtentSparse" }, /another kind/],
    ["a flat kind", { type: "monolithicFlat", extents: 'RW 512 FLAT "/etc/passwd" 0' }, /another kind/],
    ["no kind", { type: "" }, /another kind/],
    ["a flat extent under a good kind", { extents: 'RW 512 FLAT "/etc/passwd" 0' }, /several parts/],
    ["a second extent", { extents: 'RW 512 SPARSE "a"\nRDONLY 512 FLAT "/etc/passwd" 0' }, /several parts/],
    ["no extent", { extents: "" }, /several parts/],
    ["a parent", { extents: 'parentFileNameHint="/x"\nRW 512 SPARSE "a"' }, /parent/],
    ["a parent in other letters", { extents: 'PARENTfilenamehint="/x"\nRW 512 SPARSE "a"' }, /parent/],
    ["no size", { capacity: 0n }, /without a size/],
    ["a size beyond every limit", { capacity: 1n << 62n }, /beyond every limit/],
  ] as const)
    it(`is refused with ${name}`, () => {
      expect(verdict(() => checkForeignDisk(vmdk(given), "vmdk"))).to.match(why);
    });

  it("is refused as another format than was said", () => {
    for (const format of ["vhdx", "vdi"] as const)
      expect(verdict(() => checkForeignDisk(vmdk(), format))).to.match(/and is VMDK/);
    for (const format of ["vmdk", "vhdx", "vdi"] as const)
      expect(verdict(() => checkForeignDisk(Buffer.alloc(9), format))).to.match(/and is not/);
  });
});

describe("the tables of a foreign disk", () => {
  it("pass when all their data are in the file", async () => {
    expect(await tables(grain(grain(vmdk(), 0, 64), 63, 120))).to.equal("passed");
    expect(await tables(vmdk())).to.equal("passed");
  });

  it("are refused when a grain ends behind the file", async () => {
    expect(await tables(grain(vmdk(), 5, 121))).to.match(/cut off/);
    expect(await tables(grain(vmdk(), 5, 2 ** 32 - 1))).to.match(/cut off/);
  });

  it("are those of a stream's end, which must agree with its beginning", async () => {
    const flags = 3 | (1 << 16);
    const withFooter = (given: Given): Buffer => {
      const file = vmdk({ type: "streamOptimized", flags, directoryAt: noDirectory });
      vmdk({ flags, ...given }).copy(file, file.length - 2 * sector, 0, sector);
      file.writeUInt32LE(100, 64 * sector + 8);
      return file;
    };
    expect(await tables(grain(withFooter({}), 0, 64))).to.equal("passed");
    expect(await tables(grain(withFooter({}), 0, 127))).to.equal("passed");
    expect(await tables(grain(withFooter({ capacity: 513n }), 0, 64))).to.match(/contradicts/);
    expect(await tables(grain(withFooter({ directoryAt: noDirectory }), 0, 64))).to.match(/footer/);
    const long = grain(withFooter({}), 0, 64);
    long.writeUInt32LE(2 ** 31, 64 * sector + 8);
    expect(await tables(long)).to.match(/cut off/);
  });

  it("are bounded in what is read of them", async () => {
    expect(await tables(vmdk({ capacity: 1n << 40n }))).to.match(/more tables/);
    const file = Buffer.alloc(1_024);
    file.writeUInt32LE(2 ** 31, 384);
    const asked = checkVdiTables(file, readable(file));
    expect(await asked.catch((error: Error) => error.message)).to.match(/more tables/);
  });

  it("of a VDI name blocks of the file", async () => {
    const file = Buffer.alloc(8_192);
    for (const [at, value] of [
      [340, 512],
      [344, 1_024],
      [376, 1_024],
      [384, 2],
      [512, 6],
      [516, 0xffff_ffff],
    ] as const)
      file.writeUInt32LE(value, at);
    await checkVdiTables(file, readable(file));
    file.writeUInt32LE(7, 516);
    const asked = checkVdiTables(file, readable(file));
    expect(await asked.catch((error: Error) => error.message)).to.match(/cut off/);
  });
});

describe("a packed upload", () => {
  it("begins as it was said to", () => {
    const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]);
    expect(verdict(() => checkPacking(zstd, "zstd"))).to.equal("passed");
    for (const packing of ["gzip", "xz"] as const)
      expect(verdict(() => checkPacking(zstd, packing))).to.match(/and is not/);
    expect(verdict(() => checkPacking(Buffer.alloc(0), "gzip"))).to.match(/and is not/);
  });

  it("may become a GiB, or a thousand times as large, but no larger than an image", () => {
    expect(unpackedBytesMax(1)).to.equal(1024 ** 3);
    expect(unpackedBytesMax(10_000_000)).to.equal(10_000_000_000);
    expect(unpackedBytesMax(1024 ** 4)).to.equal(imageLimits.imageBytesMax);
  });

  it("is not kept as it was sent, and neither is a foreign disk", () => {
    for (const format of ["raw", "qcow2", null] as const) {
      expect(staysAsSent({ format })).to.equal(true);
      expect(staysAsSent({ format, packing: "xz" })).to.equal(false);
    }
    for (const format of ["vmdk", "vhdx", "vdi"] as const) expect(staysAsSent({ format })).to.equal(false);
  });
});
