/**
 * The image store: files that it takes, files that it refuses, and that it reads from no other place. No tool
 * of QEMU is needed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { imageLimits } from "../../../../nodes/drivers/images/limits.ts";
import { type ImageSource, ImageStore } from "../../../../nodes/drivers/images/store.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";

describe("the image store", () => {
  let place: TemporaryDirectory;
  let store: ImageStore;
  const at = (...parts: string[]) => join(place.path, ...parts);
  const kept = () => readdir(at("store"));

  beforeEach(async () => {
    place = await temporaryDirectory();
    await mkdir(at("allowed"));
    await mkdir(at("secret"));
    await writeFile(at("secret", "shadow"), "root:x");
    store = new ImageStore({ directory: at("store"), sources: [at("allowed")] });
  });
  afterEach(() => place.remove());

  const give = async (name: string, content: string | Buffer): Promise<string> => {
    await writeFile(at("allowed", name), content);
    return at("allowed", name);
  };
  const refusal = async (source: ImageSource, by = store): Promise<StatusError> => {
    const error = await by.registerFile(source).catch((thrown: unknown) => thrown);
    if (error instanceof StatusError) return error;
    throw new Error("It was not refused.", { cause: error });
  };
  const messageOf = async (path: string, by?: ImageStore) => {
    const { reason, message } = await refusal({ path }, by);
    expect(reason, path).to.equal("unusableImage");
    return message;
  };
  const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

  it("keeps a kernel under its checksum, readable by all and writable by nobody", async () => {
    const path = await give("vmlinux", "kernel");
    const file = await store.registerFile({ path, sha256: sha256("kernel"), sizeBytes: 6 });
    expect(file).to.deep.equal({ sha256: sha256("kernel"), sizeBytes: 6 });
    expect(await kept()).to.deep.equal([file.sha256]);
    expect(await readFile(at("store", file.sha256), "utf8")).to.equal("kernel");
    expect((await stat(at("store", file.sha256))).mode & 0o777).to.equal(0o400);
    expect((await stat(at("store"))).mode & 0o777, "nobody else reads the store").to.equal(0o700);
  });

  it("takes the same file twice, and at the same time", async () => {
    const path = await give("vmlinux", "kernel");
    await Promise.all([store.registerFile({ path }), store.registerFile({ path })]);
    expect(await kept()).to.have.length(1);
  });

  it("keeps a raw disk, holes and all", async () => {
    const path = await give("disk", Buffer.alloc(512, 7));
    await truncate(path, 64 * 1024 * 1024);
    const file = await store.registerFile({ path, format: "raw" });
    expect(file).to.include({
      format: "raw",
      sizeBytes: 64 * 1024 * 1024,
      virtualSizeBytes: 64 * 1024 * 1024,
    });
    expect((await stat(at("store", file.sha256))).blocks * 512).to.be.below(8 * 1024 * 1024);
  });

  it("refuses another checksum or size than the one that was named, and keeps nothing", async () => {
    const path = await give("vmlinux", "kernel");
    expect((await refusal({ path, sha256: sha256("other") })).reason).to.equal("checksumMismatch");
    expect((await refusal({ path, sizeBytes: 7 })).reason).to.equal("checksumMismatch");
    expect(await kept()).to.deep.equal([]);
  });

  it("refuses an empty file, an odd raw size, and a file beyond every limit without reading it", async () => {
    expect((await refusal({ path: await give("empty", "") })).reason).to.equal("unusableImage");
    expect((await refusal({ path: await give("odd", "x"), format: "raw" })).message).to.match(/512/);
    const bomb = await give("bomb", "x");
    await truncate(bomb, imageLimits.imageBytesMax + 512);
    expect((await refusal({ path: bomb, format: "raw" })).message).to.match(/larger/);
    expect(await kept()).to.deep.equal([]);
  });

  for (const [name, magic] of [
    ["qcow2", "QFI\xfb"],
    ["VMDK", "KDMV"],
    ["LUKS", "LUKS\xba\xbe"],
  ] as const) {
    it(`refuses a ${name} file that is said to be raw`, async () => {
      const content = Buffer.alloc(1024);
      content.write(magic, 0, "latin1");
      const refused = await refusal({ path: await give("disk", content), format: "raw" });
      expect(refused.message).to.include(`is ${name}`);
    });
  }

  it("refuses a raw file, and a cut one, that are said to be qcow2", async () => {
    const raw = await give("raw", Buffer.alloc(4096, 1));
    expect((await refusal({ path: raw, format: "qcow2" })).message).to.match(/not a qcow2/);
    const cut = await give("cut", Buffer.from("QFI\xfb\0\0\0\x03", "latin1"));
    expect((await refusal({ path: cut, format: "qcow2" })).message).to.match(/not a qcow2/);
  });

  it("answers alike for whatever is in no allowed directory, there or not, and names the directories", async () => {
    await mkdir(at("allowed-not"));
    await writeFile(at("allowed-not", "file"), "x");
    const outside = [
      at("secret", "shadow"),
      at("secret", "missing"),
      at("allowed-not", "file"),
      at("allowed"),
      "/dev/zero",
      "/proc/self/environ",
    ];
    for (const path of outside)
      expect(await messageOf(path), path).to.equal(
        `The image cannot be used: it is in none of the directories that images may come from: ${at("allowed")}.`,
      );
    for (const path of [`${at("allowed")}/../secret/shadow`, "relative", ""])
      expect(await messageOf(path), path).to.match(/its path must begin with \/ and be without \. and \.\./);
    expect(await kept()).to.deep.equal([]);
  });

  it("answers alike for links out of them, to what is there and to what is not", async () => {
    await symlink(at("secret", "shadow"), at("allowed", "link"));
    await symlink(at("secret", "missing"), at("allowed", "nowhere"));
    await symlink(at("secret"), at("allowed", "way"));
    await symlink(at("secret", "missing"), at("allowed", "no-way"));
    for (const path of ["link", "nowhere", "way/shadow", "way/missing", "no-way/shadow"])
      expect(await messageOf(at("allowed", path)), path).to.equal(
        `The image cannot be used: ${at("allowed", path)} is behind a link that leads nowhere, or out of the ` +
          "directories that images may come from.",
      );
    expect(await kept()).to.deep.equal([]);
  });

  it("says which it is: no file, a directory, a pipe, one that may not be read", async () => {
    await mkdir(at("allowed", "directory"));
    execFileSync("mkfifo", [at("allowed", "pipe")]);
    await give("closed", "kernel");
    await chmod(at("allowed", "closed"), 0);
    expect(await messageOf(at("allowed", "missing"))).to.contain(
      `there is no file ${at("allowed", "missing")}`,
    );
    expect(await messageOf(at("allowed", "closed", "x"))).to.contain("there is no file");
    expect(await messageOf(at("allowed", "directory"))).to.contain("no ordinary file but a directory");
    expect(await messageOf(at("allowed", "pipe"))).to.contain("no ordinary file but a pipe");
    if (process.getuid?.() !== 0) expect(await messageOf(at("allowed", "closed"))).to.contain("may not read");
    const unmade = new ImageStore({ directory: at("store"), sources: [at("import")] });
    expect(await messageOf(at("import", "x"), unmade)).to.contain(`there is no file ${at("import", "x")}`);
    expect(await kept()).to.deep.equal([]);
  });

  it("follows a link that stays inside the allowed directories", async () => {
    const path = await give("vmlinux-6.1", "kernel");
    await symlink(path, at("allowed", "vmlinux"));
    expect((await store.registerFile({ path: at("allowed", "vmlinux") })).sizeBytes).to.equal(6);
  });

  it("refuses a file that has another name, wherever that is", async () => {
    await writeFile(at("secret", "key"), "private");
    await link(at("secret", "key"), at("allowed", "key"));
    expect((await refusal({ path: at("allowed", "key") })).message).to.match(/hard links/);
    await rm(at("secret", "key"));
    expect((await store.registerFile({ path: at("allowed", "key") })).sizeBytes).to.equal(7);
  });

  it("says of what no guest boots from what it is", async () => {
    const gzip = Buffer.concat([gzipSync(Buffer.alloc(4_096, 1)), Buffer.alloc(512)]).subarray(0, 512);
    const iso = Buffer.alloc(40_960);
    iso.write("CD001", 32_769, "latin1");
    for (const format of ["raw", "qcow2"] as const)
      for (const bootedBy of [null, "qemu"]) {
        const what = { format, bootedBy };
        expect((await refusal({ path: await give("packed", gzip), ...what })).message).to.match(
          /gzip; unpack/,
        );
        expect((await refusal({ path: await give("cd", iso), ...what })).message).to.match(/a CD without/);
      }
    // A kernel, a disk beside a kernel, and what the hypervisor of a plug-in unpacks, may be packed.
    const path = await give("packed", gzip);
    for (const what of [{}, { format: "raw" }, { format: "raw", bootedBy: "containers" }] as const)
      expect((await store.registerFile({ path, ...what })).sizeBytes).to.equal(512);
    iso.write("\x55\xaa", 510, "latin1");
    const hybrid = await store.registerFile({ path: await give("cd", iso), format: "raw", bootedBy: null });
    expect(hybrid.virtualSizeBytes).to.equal(40_960);
  });

  it("refuses a raw disk that a tool would take for the descriptor of a VMDK", async () => {
    const trap = Buffer.alloc(1024 * 1024);
    trap.write('# x\nversion=1\nRW 1 FLAT "/etc/passwd" 0\n', "latin1");
    expect((await refusal({ path: await give("trap", trap), format: "raw" })).message).to.include("is VMDK");
  });

  it("ends early when it is called off, and leaves nothing half copied", async () => {
    const path = await give("vmlinux", "kernel");
    const error = await store.registerFile({ path }, AbortSignal.abort()).catch((thrown: unknown) => thrown);
    expect(error).to.have.property("name", "AbortError");
    expect(await kept()).to.deep.equal([]);
  });

  it("takes nothing at all when no directory is allowed", async () => {
    const closed = new ImageStore({ directory: at("store"), sources: [] });
    const path = await give("vmlinux", "kernel");
    await chmod(path, 0o644);
    const error = await closed.registerFile({ path }).catch((thrown: unknown) => thrown);
    expect(error).to.have.property("reason", "unusableImage");
  });
});
