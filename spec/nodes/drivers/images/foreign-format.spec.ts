/** What a file's first bytes say that it is, by value; spec/live/qemu-images.spec.ts asks QEMU the same. */
import { expect } from "chai";
import { diskFormatOf, unbootable } from "../../../../nodes/drivers/images/foreign-format.ts";
import { disguises } from "../../../support/disguises.ts";

/** The first 64 KiB of a file with this text somewhere in it. */
function head(text: string, at = 0): Buffer {
  const bytes = Buffer.alloc(64 * 1024);
  bytes.write(text, at, "latin1");
  return bytes;
}

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
      expect(diskFormatOf(head(magic, at))).to.equal(name);
    });
  }

  for (const { name, text, vmdk } of disguises)
    it(`with ${name} are ${vmdk ? "the descriptor of a VMDK" : "no descriptor"}`, () => {
      expect(diskFormatOf(head(text))).to.equal(vmdk ? "VMDK" : undefined);
    });

  it("of a disk with a boot sector, of zeros, and of nothing, tell no format, and may boot", () => {
    const boot = head("\x55\xaa", 510);
    for (const bytes of [boot, head(""), Buffer.alloc(0), Buffer.alloc(512)]) {
      expect(diskFormatOf(bytes)).to.equal(undefined);
      expect(unbootable(bytes)).to.equal(undefined);
    }
  });

  it("of 64 KiB of comments are judged in no time", () => {
    const comments = Buffer.from("#\n".repeat(32 * 1024), "latin1");
    const startMs = performance.now();
    expect(diskFormatOf(comments)).to.equal(undefined);
    expect(diskFormatOf(Buffer.alloc(64 * 1024, " "))).to.equal(undefined);
    expect(performance.now() - startMs).to.be.below(1_000);
  });

  const packed: readonly [RegExp, string, number][] = [
    [/gzip/, "\x1f\x8b\x08\0", 0],
    [/xz/, "\xfd7zXZ\0", 0],
    [/zstd/, "\x28\xb5\x2f\xfd", 0],
    [/bzip2/, "BZh91AY&SY", 0],
    [/lz4/, "\x04\x22\x4d\x18", 0],
    [/7z/, "7z\xbc\xaf\x27\x1c", 0],
    [/zip archive/, "PK\x03\x04", 0],
    [/tar.*OVA/, "ustar", 257],
    [/CD/, "CD001", 32_769],
  ];
  for (const [name, magic, at] of packed)
    it(`say of ${name.source} that no guest boots from it, unless there is a boot sector`, () => {
      const bytes = head(magic, at);
      expect(unbootable(bytes)).to.match(name);
      bytes.write("\x55\xaa", 510, "latin1");
      expect(unbootable(bytes)).to.equal(undefined);
    });
});
