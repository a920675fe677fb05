/**
 * The tables of qcow2 images of unknown origin, by value: whole ones, ones that are cut off at every byte,
 * and ones that name what cannot be. spec/live/qemu-images.spec.ts does the same with QEMU's own images.
 */
import { expect } from "chai";
import { imageLimits } from "../../../../nodes/drivers/images/limits.ts";
import type { Qcow2Header } from "../../../../nodes/drivers/images/qcow2-header.ts";
import { checkTables, type ReadableFile } from "../../../../nodes/drivers/images/qcow2-tables.ts";
import { refused } from "../../../support/asking.ts";

const clusterBits = 10;
const clusterBytes = 2 ** clusterBits;
/** Clusters of the small image. Cluster 0 is the header; `counts` is a block of counts. */
const at = { countTable: 1, counts: 2, first: 3, second: 4, data: 5 } as const;
const offset = (cluster: number): bigint => BigInt(cluster * clusterBytes);

const header: Qcow2Header = {
  virtualSizeBytes: 100_000,
  clusterBits,
  extendedEntries: false,
  firstTable: { at: offset(at.first), entries: 2 },
  countTable: { at: offset(at.countTable), clusters: 1 },
};

/** An image with one second table, whose first clusters have data. */
function image(entries: readonly bigint[] = [offset(at.data), 0n, offset(at.data + 1)]): Buffer {
  const bytes = Buffer.alloc(clusterBytes * (at.data + 2));
  const put = (cluster: number, index: number, value: bigint) =>
    bytes.writeBigUInt64BE(value, cluster * clusterBytes + index * 8);
  put(at.countTable, 0, offset(at.counts));
  put(at.first, 0, offset(at.second) | (1n << 63n));
  for (const [index, entry] of entries.entries()) put(at.second, index, entry);
  return bytes;
}

interface Read extends ReadableFile {
  reads: number;
  bytesRead: number;
}

function fileOf(bytes: Buffer, sizeBytes = bytes.length): Read {
  return {
    sizeBytes,
    reads: 0,
    bytesRead: 0,
    async read(from, length) {
      this.reads += 1;
      this.bytesRead += length;
      return bytes.subarray(from, from + length);
    },
  };
}

const endless = new AbortController().signal;
const check = (bytes: Buffer, changed: Partial<Qcow2Header> = {}) =>
  checkTables({ ...header, ...changed }, fileOf(bytes), endless);
const messageOf = async (bytes: Buffer, changed: Partial<Qcow2Header> = {}) => {
  const { reason, message } = await refused(check(bytes, changed));
  expect(reason).to.equal("unusableImage");
  return message;
};

const compressed = 1n << 62n;
const zeros = 1n;

describe("the tables of a qcow2 image", () => {
  it("may name everything that is in the file, in any order, and nothing at all", async () => {
    await check(image());
    await check(image([]));
    await check(image([offset(at.data + 1), offset(at.data), offset(at.data)]));
    // Two parts of the disk that share data cost nobody anything.
    await check(image([offset(at.second)]));
  });

  it("are refused where the file ends anywhere before the last byte that they name", async () => {
    const whole = image();
    for (let length = clusterBytes; length < whole.length; length += 1)
      expect(await messageOf(whole.subarray(0, length)), String(length)).to.match(
        /beyond the end|cluster begins/,
      );
  });

  it("may name a last cluster that is no longer in the file than the disk is", async () => {
    const last = [0n, 0n, 0n, 0n, offset(at.data + 1)];
    const virtualSizeBytes = 4 * clusterBytes + 100;
    const whole = image(last).subarray(0, clusterBytes * (at.data + 1) + 100);
    await check(whole, { virtualSizeBytes });
    expect(await messageOf(whole.subarray(0, -1), { virtualSizeBytes })).to.match(/beyond the end/);
  });

  it("may name anything beyond the end of the disk, and as zeros: nobody reads it", async () => {
    await check(image([0n, offset(900)]), { virtualSizeBytes: clusterBytes });
    await check(image([offset(900) | zeros]));
  });

  it("name compressed data by sectors, which must be in the file", async () => {
    const sectors = (count: bigint, from: number) => compressed | ((count - 1n) << 60n) | BigInt(from);
    const end = clusterBytes * (at.data + 2);
    await check(image([sectors(1n, end - 10)]));
    await check(image([sectors(2n, end - 512 - 10)]));
    // The last sector may be cut: the data end in it.
    await check(image([sectors(1n, end - 10)]).subarray(0, end - 5));
    expect(await messageOf(image([sectors(2n, end - 10)]))).to.match(/beyond the end/);
    expect(await messageOf(image([sectors(1n, end)]))).to.match(/beyond the end/);
  });

  it("with parts of clusters must have those that are there", async () => {
    const parts = { extendedEntries: true };
    // The second half of an entry: which parts are zeros, and which are there.
    const all = image([offset(at.data + 1), 0xffff_ffffn]);
    await check(all, parts);
    const half = image([offset(at.data + 1), 0xffffn]);
    await check(half.subarray(0, -clusterBytes / 2), parts);
    expect(await messageOf(half.subarray(0, -clusterBytes / 2 - 1), parts)).to.match(/beyond the end/);
    expect(await messageOf(all.subarray(0, -1), parts)).to.match(/beyond the end/);
    await check(image([offset(at.data + 1), 0xffff_ffffn << 32n]).subarray(0, -clusterBytes), parts);
  });

  const damages: readonly (readonly [string, Buffer, Partial<Qcow2Header>, RegExp])[] = [
    ["data where no cluster begins", image([offset(at.data) + 512n]), {}, /no cluster begins/],
    ["data at 2^55", image([1n << 55n]), {}, /beyond the end/],
    ["a first table in the header", image(), { firstTable: { at: 0n, entries: 2 } }, /no cluster begins/],
    [
      ...(["a first table where no cluster begins", image()] as const),
      { firstTable: { at: offset(at.first) + 512n, entries: 2 } },
      /no cluster begins/,
    ],
    ["a first table at 2^63", image(), { firstTable: { at: 1n << 63n, entries: 2 } }, /beyond the end/],
    ["too small a first table", image(), { firstTable: { at: offset(at.first), entries: 0 } }, /too small/],
    ["counts beyond the end", image(), { countTable: { at: offset(100), clusters: 1 } }, /beyond the end/],
    ["4 TiB of counts", image(), { countTable: { at: offset(1), clusters: 2 ** 32 - 1 } }, /larger than/],
  ];
  for (const [name, bytes, changed, expected] of damages)
    it(`with ${name} are refused`, async () => {
      expect(await messageOf(bytes, changed)).to.match(expected);
    });

  const places: readonly (readonly [string, number, bigint, RegExp])[] = [
    ["a second table beyond the end", at.first, offset(90), /beyond the end/],
    ["a second table where no cluster begins", at.first, offset(at.second) + 512n, /no cluster begins/],
    ["a block of counts beyond the end", at.countTable, offset(90), /beyond the end/],
    [
      "a block of counts where no cluster begins",
      at.countTable,
      offset(at.counts) + 512n,
      /no cluster begins/,
    ],
  ];
  for (const [name, cluster, value, expected] of places)
    it(`with ${name} are refused`, async () => {
      const bytes = image();
      bytes.writeBigUInt64BE(value, cluster * clusterBytes);
      expect(await messageOf(bytes)).to.match(expected);
    });
});

describe("hostile tables of a qcow2 image", () => {
  /** A file of endless length, in which every entry of every first table names the same second table. */
  const alike = (bits: number): Read & Pick<Qcow2Header, "countTable" | "firstTable" | "clusterBits"> => {
    const entry = Buffer.alloc(8);
    entry.writeBigUInt64BE(4n << BigInt(bits));
    const first = Buffer.alloc(imageLimits.qcow2FirstTableBytesMax, entry);
    const empty = Buffer.alloc(2 ** bits);
    return {
      ...{ clusterBits: bits, countTable: { at: 1n << BigInt(bits), clusters: 1 } },
      firstTable: { at: 3n << BigInt(bits), entries: first.length / 8 },
      ...{ sizeBytes: 2 ** 50, reads: 0, bytesRead: 0 },
      async read(from, length) {
        this.reads += 1;
        this.bytesRead += length;
        return from === 3 * 2 ** bits ? first.subarray(0, length) : empty.subarray(0, length);
      },
    };
  };

  it("are read to a bound and no further, whatever the size of a cluster", async () => {
    const { qcow2TablesMax, qcow2TableBytesMax, qcow2FirstTableBytesMax, qcow2CountTableBytesMax } =
      imageLimits;
    for (const [bits, virtualSizeBytes] of [
      [9, 2 ** 37],
      [16, 2 ** 46],
      [21, 2 ** 46],
    ] as const) {
      const file = alike(bits);
      const hostile = { ...header, ...file, virtualSizeBytes };
      const entries = virtualSizeBytes / (2 ** bits * 2 ** (bits - 3));
      const checked = checkTables(hostile, file, endless);
      // So few tables cost little, and their owner may have them.
      if (entries * 2 ** bits <= qcow2TableBytesMax) await checked;
      else expect((await refused(checked)).message).to.match(/larger than/);
      expect(file.reads, "beside the first table and that of counts").to.be.at.most(qcow2TablesMax + 2);
      expect(file.bytesRead).to.be.at.most(
        qcow2TableBytesMax + qcow2FirstTableBytesMax + qcow2CountTableBytesMax,
      );
    }
  });

  it("do not make anybody read a first table beyond its bound", async () => {
    const file = alike(9);
    const hostile = { ...header, ...file, virtualSizeBytes: 2 ** 46 };
    const everything = { ...hostile, firstTable: { at: hostile.firstTable.at, entries: 2 ** 32 - 1 } };
    expect((await refused(checkTables(everything, file, endless))).message).to.match(/larger than/);
    expect(file.bytesRead).to.be.at.most(clusterBytes);
  });

  it("are left at once when the caller has gone", async () => {
    const file = alike(16);
    const checked = checkTables({ ...header, ...file, virtualSizeBytes: 2 ** 46 }, file, AbortSignal.abort());
    expect(await checked.catch((thrown: unknown) => thrown)).to.have.property("name", "AbortError");
    expect(file.bytesRead).to.be.below(2 * imageLimits.qcow2FirstTableBytesMax);
  });
});
