/** The header of qcow2 images of unknown origin, by value. */
import { expect } from "chai";
import { imageLimits } from "../../../../nodes/drivers/images/limits.ts";
import { checkQcow2Header } from "../../../../nodes/drivers/images/qcow2-header.ts";

interface HeaderFields {
  readonly version?: number;
  readonly backingOffset?: bigint;
  readonly backingLength?: number;
  readonly virtualSize?: bigint;
  readonly encryption?: number;
  readonly features?: bigint;
  readonly extension?: number;
  readonly clusterBits?: number;
  readonly snapshots?: number;
  readonly length?: number;
}

/** A qcow2 header according to the format's description. */
function header(fields: HeaderFields = {}): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write("QFI\xfb", 0, "latin1");
  bytes.writeUInt32BE(fields.version ?? 3, 4);
  bytes.writeBigUInt64BE(fields.backingOffset ?? 0n, 8);
  bytes.writeUInt32BE(fields.backingLength ?? 0, 16);
  bytes.writeUInt32BE(fields.clusterBits ?? 16, 20);
  bytes.writeBigUInt64BE(fields.virtualSize ?? 1_048_576n, 24);
  bytes.writeUInt32BE(fields.encryption ?? 0, 32);
  bytes.writeUInt32BE(5, 36);
  bytes.writeBigUInt64BE(0x30000n, 40);
  bytes.writeBigUInt64BE(0x10000n, 48);
  bytes.writeUInt32BE(1, 56);
  bytes.writeUInt32BE(fields.snapshots ?? 0, 60);
  bytes.writeBigUInt64BE(fields.features ?? 0n, 72);
  bytes.writeUInt32BE(fields.length ?? 104, 100);
  bytes.writeUInt32BE(fields.extension ?? 0, 104);
  bytes.writeUInt32BE(fields.extension === undefined ? 0 : 8, 108);
  return bytes;
}

describe("a qcow2 header", () => {
  it("of an ordinary image tells its virtual size, in both versions", () => {
    expect(checkQcow2Header(header()).virtualSizeBytes).to.equal(1_048_576);
    expect(checkQcow2Header(header({ version: 2 })).virtualSizeBytes).to.equal(1_048_576);
  });

  it("tells where its tables are, and of what kind", () => {
    const tables = { firstTable: { at: 0x30000n, entries: 5 }, countTable: { at: 0x10000n, clusters: 1 } };
    const plain = { virtualSizeBytes: 1_048_576, clusterBits: 16, extendedEntries: false, ...tables };
    expect(checkQcow2Header(header())).to.deep.equal(plain);
    const extended = { ...plain, clusterBits: 21, extendedEntries: true };
    expect(checkQcow2Header(header({ clusterBits: 21, features: 0b10000n }))).to.deep.equal(extended);
    // In version 2 the same bytes are no features.
    expect(checkQcow2Header(header({ version: 2, features: 0b10000n }))).to.deep.equal(plain);
  });

  it("may name a compression type, extended L2 entries, extensions that only inform, and a few snapshots", () => {
    const fields = { features: 0b11000n, extension: 0x6803f857, snapshots: imageLimits.qcow2SnapshotsMax };
    expect(checkQcow2Header(header(fields)).virtualSizeBytes).to.equal(1_048_576);
  });

  const refused: readonly [string, HeaderFields, RegExp][] = [
    ["a backing file", { backingOffset: 200n, backingLength: 11 }, /backing file/],
    ["a backing file in version 2", { version: 2, backingOffset: 200n }, /backing file/],
    ["a backing file's length alone", { backingLength: 11 }, /backing file/],
    ["a data file by feature", { features: 0b100n }, /data file/],
    ["a data file by extension", { extension: 0x44415441 }, /data file/],
    ["damage", { features: 0b10n }, /damaged/],
    ["a dirty bit", { features: 0b1n }, /not closed/],
    ["an unknown feature", { features: 1n << 40n }, /unknown feature 40/],
    ["encryption", { encryption: 2 }, /encrypted/],
    ["version 1", { version: 1 }, /version is 1/],
    ["version 4", { version: 4 }, /version is 4/],
    ["no size", { virtualSize: 0n }, /size is 0/],
    ["2^63 bytes", { virtualSize: 1n << 63n }, /beyond/],
    ["clusters of 256 bytes", { clusterBits: 8 }, /2\^8 bytes/],
    ["clusters of 4 MiB", { clusterBits: 22 }, /2\^22 bytes/],
    ["65,536 snapshots", { snapshots: 65_536 }, /65536 internal snapshots/],
    ["bitmaps", { extension: 0x23852875 }, /bitmaps/],
    ["no length", { length: 0 }, /impossible length/],
    ["a length beyond its cluster", { length: 65_544 }, /impossible length/],
    ["a length beyond what is looked at", { length: 60_000, clusterBits: 21 }, /longer than any/],
  ];
  for (const [name, fields, message] of refused) {
    it(`with ${name} is refused`, () => {
      expect(() => checkQcow2Header(header(fields)))
        .to.throw(message)
        .with.property("reason", "unusableImage");
    });
  }

  it("that is cut off anywhere is refused or read, and never read beyond its end", () => {
    for (let length = 0; length < 112; length++) {
      const cut = header().subarray(0, length);
      if (length < 104) expect(() => checkQcow2Header(cut), String(length)).to.throw(/image cannot be used/);
    }
  });

  it("whose extensions point beyond its end is not followed", () => {
    const bytes = header({ extension: 1 });
    bytes.writeUInt32BE(0xffff_ffff, 108);
    expect(checkQcow2Header(bytes).virtualSizeBytes).to.equal(1_048_576);
  });

  it("whose extensions hide another one behind what is looked at is refused", () => {
    const bytes = header({ extension: 1, clusterBits: 21 });
    bytes.writeUInt32BE(70_000, 108);
    expect(() => checkQcow2Header(bytes)).to.throw(/longer than any/);
  });
});
