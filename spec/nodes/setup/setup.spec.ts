/**
 * The set-up's pure parts: the archive, the boot record, the kernel inside a bzImage; and the list of what is
 * missing.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { findGuest, stampOfSources } from "../../../nodes/setup/guest/build.ts";
import { cpioArchive } from "../../../nodes/setup/guest/cpio.ts";
import { masterBootRecord, writeDisk } from "../../../nodes/setup/guest/disk.ts";
import { lz4Payload } from "../../../nodes/setup/guest/kernel.ts";

const project = join(import.meta.dirname, "../../..");

describe("the guest's ramdisk", () => {
  it("is an archive of aligned records that ends with its trailer", () => {
    const archive = cpioArchive([
      { kind: "directory", path: "dev" },
      { kind: "device", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
      { kind: "file", path: "a", mode: 0o755, content: Buffer.from("hello") },
      { kind: "link", path: "b", target: "a" },
    ]);
    expect(archive.length % 4).to.equal(0);
    const text = archive.toString("latin1");
    expect(text.split("070701")).to.have.length(6);
    expect(text).to.match(/TRAILER!!!\0+$/);
    const console = text.indexOf("dev/console") - 110;
    const field = (index: number) =>
      Number.parseInt(text.slice(console + 6 + index * 8, console + 14 + index * 8), 16);
    expect([field(1).toString(8), field(9), field(10)]).to.deep.equal(["20600", 5, 1]);
  });

  it("is the same for the same tree", () => {
    const tree = [{ kind: "file", path: "a", mode: 0o644, content: Buffer.from("x") }] as const;
    expect(cpioArchive(tree).equals(cpioArchive(tree))).to.equal(true);
  });
});

describe("the guest's disk", () => {
  it("has a boot record with the active partition first", () => {
    const record = masterBootRecord(Buffer.alloc(440, 0x90), [
      { type: 6, active: true, start: 1024 * 1024, length: 2048 * 512 },
      { type: 0x83, active: false, start: 2 * 1024 * 1024, length: 512 },
    ]);
    expect(record.length).to.equal(512);
    expect(record.readUInt16LE(510)).to.equal(0xaa55);
    expect([record[446], record[450], record.readUInt32LE(454), record.readUInt32LE(458)]).to.deep.equal([
      0x80, 6, 2048, 2048,
    ]);
    expect([record[462], record[466], record.readUInt32LE(470)]).to.deep.equal([0, 0x83, 4096]);
  });

  it("holds its partitions where the boot record says", async () => {
    const directory = mkdtempSync(join(tmpdir(), "novact-setup-"));
    const file = (name: string, content: Buffer) => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    await writeDisk(join(directory, "disk"), {
      bootCode: file("code", Buffer.alloc(440, 1)),
      bootPartition: file("boot", Buffer.alloc(1024 * 1024, 2)),
      rootPartition: file("root", Buffer.alloc(2 * 1024 * 1024, 3)),
    });
    const disk = readFileSync(join(directory, "disk"));
    rmSync(directory, { recursive: true });
    const mib = 1024 * 1024;
    expect(disk.length).to.equal(4 * mib);
    expect([
      disk[0],
      disk[mib - 1],
      disk[mib],
      disk[2 * mib - 1],
      disk[2 * mib],
      disk[4 * mib - 1],
    ]).to.deep.equal([1, 0, 2, 2, 3, 3]);
  });
});

describe("a guest that was built", () => {
  it("is built anew when a file of it is damaged, cut short or missing", () => {
    const directory = mkdtempSync(join(tmpdir(), "novact-setup-"));
    const manifest = (content: unknown) =>
      writeFileSync(
        join(directory, "manifest.json"),
        typeof content === "string" ? content : JSON.stringify(content),
      );
    try {
      writeFileSync(join(directory, "vmlinux"), "kernel");
      const stamp = stampOfSources();
      manifest({ stamp, bytes: { vmlinux: 6 } });
      expect(findGuest(directory)?.kernel).to.equal(join(directory, "vmlinux"));
      for (const damaged of [
        "",
        "{",
        "null",
        { stamp },
        { stamp: "older", bytes: { vmlinux: 6 } },
        { stamp, bytes: { vmlinux: 7 } },
        { stamp, bytes: { vmlinux: 6, "initrd.img": 1 } },
      ]) {
        manifest(damaged);
        expect(findGuest(directory), JSON.stringify(damaged)).to.equal(undefined);
      }
      rmSync(join(directory, "manifest.json"));
      expect(findGuest(directory)).to.equal(undefined);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("the guest's kernel", () => {
  const bzImage = (magic: number) => {
    const image = Buffer.alloc(4096);
    image.write("HdrS", 0x202, "latin1");
    image.writeUInt8(1, 0x1f1);
    image.writeUInt32LE(16, 0x248);
    image.writeUInt32LE(100, 0x24c);
    image.writeUInt32LE(magic, 1024 + 16);
    return image;
  };

  it("is found behind the set-up sectors, without the length at its end", () => {
    const image = bzImage(0x184c2102);
    expect(lz4Payload(image).length).to.equal(96);
    expect(lz4Payload(image).byteOffset - image.byteOffset).to.equal(1040);
  });

  it("is refused when it is something else", () => {
    expect(() => lz4Payload(Buffer.alloc(4096))).to.throw("not a bzImage");
    expect(() => lz4Payload(bzImage(0x28b52ffd))).to.throw("lz4");
  });
});

describe("the set-up", () => {
  it("runs a script on the pinned Node with its arguments, and ends as it ends", () => {
    const directory = mkdtempSync(join(tmpdir(), "novact-setup-"));
    const script = join(directory, "script.ts");
    writeFileSync(
      script,
      "const a: string[] = process.argv.slice(2); console.log(process.version, a); process.exit(3);",
    );
    let output = "";
    let code: unknown = 0;
    try {
      execFileSync(process.execPath, [join(project, "nodes/bootstrap.mjs"), script, "x", "-y"]);
    } catch (error) {
      const end = error as { stdout: Buffer; status: number };
      output = String(end.stdout);
      code = end.status;
    }
    rmSync(directory, { recursive: true });
    expect(code).to.equal(3);
    expect(output).to.contain("v24.").and.to.contain("[ 'x', '-y' ]");
  });

  it("makes the command novact reachable, executable", () => {
    execFileSync(process.execPath, [join(project, "nodes/bootstrap.mjs")]);
    expect(statSync(join(project, "node_modules/.bin/novact")).mode & 0o111).to.equal(0o111);
  });
});
