/** The inspection of images of unknown origin, by value. */
import { expect } from "chai";
import { checkQcow2Header, probeMagic, virtualSizeOf } from "../../../../nodes/drivers/images/inspect.ts";

interface HeaderFields {
  readonly version?: number;
  readonly backingOffset?: bigint;
  readonly backingLength?: number;
  readonly virtualSize?: bigint;
  readonly encryption?: number;
  readonly features?: bigint;
  readonly extension?: number;
}

/** A qcow2 header according to the format's description. */
function header(fields: HeaderFields = {}): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write("QFI\xfb", 0, "latin1");
  bytes.writeUInt32BE(fields.version ?? 3, 4);
  bytes.writeBigUInt64BE(fields.backingOffset ?? 0n, 8);
  bytes.writeUInt32BE(fields.backingLength ?? 0, 16);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(fields.virtualSize ?? 1_048_576n, 24);
  bytes.writeUInt32BE(fields.encryption ?? 0, 32);
  bytes.writeBigUInt64BE(fields.features ?? 0n, 72);
  bytes.writeUInt32BE(104, 100);
  bytes.writeUInt32BE(fields.extension ?? 0, 104);
  bytes.writeUInt32BE(fields.extension === undefined ? 0 : 8, 108);
  return bytes;
}

describe("a qcow2 header", () => {
  it("of an ordinary image tells its virtual size, in both versions", () => {
    expect(checkQcow2Header(header())).to.equal(1_048_576);
    expect(checkQcow2Header(header({ version: 2 }))).to.equal(1_048_576);
  });

  it("may name a compression type, extended L2 entries, and extensions that only inform", () => {
    expect(checkQcow2Header(header({ features: 0b11000n, extension: 0x6803f857 }))).to.equal(1_048_576);
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
    expect(checkQcow2Header(bytes)).to.equal(1_048_576);
  });
});

describe("the first bytes of a file", () => {
  const known: readonly [string, string, number][] = [
    ["qcow2", "QFI\xfb", 0],
    ["VMDK", "KDMV", 0],
    ["VMDK", "# Disk DescriptorFile", 0],
    ["VHDX", "vhdxfile", 0],
    ["VHD", "conectix", 0],
    ["VDI", "\x7f\x10\xda\xbe", 64],
    ["LUKS", "LUKS\xba\xbe", 0],
    ["QED", "QED\0", 0],
  ];
  for (const [name, magic, at] of known) {
    it(`tell ${name} (${JSON.stringify(magic)})`, () => {
      const head = Buffer.alloc(512);
      head.write(magic, at, "latin1");
      expect(probeMagic(head)).to.equal(name);
    });
  }

  it("of a disk with a boot sector, of zeros, and of nothing, tell no format", () => {
    const boot = Buffer.alloc(512);
    boot.writeUInt16LE(0xaa55, 510);
    for (const head of [boot, Buffer.alloc(512), Buffer.alloc(0)])
      expect(probeMagic(head)).to.equal(undefined);
  });
});

describe("qemu-img's answer", () => {
  const answer = (more: object, data: object = {}) =>
    JSON.stringify({
      ...{ format: "qcow2", "virtual-size": 512, "format-specific": { type: "qcow2", data } },
      ...more,
    });

  it("tells the virtual size", () => {
    expect(virtualSizeOf(answer({}))).to.equal(512);
  });

  const refused: readonly [string, string][] = [
    ["another format", answer({ format: "raw" })],
    ["a backing file", answer({ "backing-filename": "/etc/shadow" })],
    ["a full backing file", answer({ "full-backing-filename": "/etc/shadow" })],
    ["a data file", answer({}, { "data-file": "/etc/shadow" })],
    ["encryption", answer({ encrypted: true })],
    ["an encryption format", answer({}, { encrypt: { format: "luks" } })],
    ["damage", answer({}, { corrupt: true })],
    ["no size", answer({ "virtual-size": "many" })],
    ["no JSON", "qemu-img: error"],
    ["JSON that is no object", "[]"],
  ];
  for (const [name, output] of refused) {
    it(`with ${name} is refused`, () => {
      expect(() => virtualSizeOf(output))
        .to.throw()
        .with.property("reason", "unusableImage");
    });
  }
});
