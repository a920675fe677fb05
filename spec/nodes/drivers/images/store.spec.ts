/**
 * The image store: files that it takes, files that it refuses, and that it reads from no other place. No tool
 * of QEMU is needed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
  const refusal = async (source: ImageSource): Promise<StatusError> => {
    const error = await store.registerFile(source).catch((thrown: unknown) => thrown);
    if (error instanceof StatusError) return error;
    throw new Error("It was not refused.", { cause: error });
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

  it("answers alike for whatever is not an ordinary file in an allowed directory", async () => {
    await symlink(at("secret", "shadow"), at("allowed", "link"));
    await symlink(at("secret"), at("allowed", "way"));
    await mkdir(at("allowed", "directory"));
    execFileSync("mkfifo", [at("allowed", "pipe")]);
    await mkdir(at("allowed-not"));
    await writeFile(at("allowed-not", "file"), "x");
    const paths = [
      at("secret", "shadow"),
      at("secret", "missing"),
      at("allowed", "missing"),
      at("allowed", "link"),
      at("allowed", "way", "shadow"),
      `${at("allowed")}/../secret/shadow`,
      at("allowed", "directory"),
      at("allowed", "pipe"),
      at("allowed-not", "file"),
      at("allowed"),
      "/dev/zero",
      "/proc/self/environ",
      "relative",
      "",
    ];
    const messages = new Set<string>();
    for (const path of paths) messages.add((await refusal({ path })).message);
    expect([...messages]).to.have.length(1);
    expect(await kept()).to.deep.equal([]);
  });

  it("follows a link that stays inside the allowed directories", async () => {
    const path = await give("vmlinux-6.1", "kernel");
    await symlink(path, at("allowed", "vmlinux"));
    expect((await store.registerFile({ path: at("allowed", "vmlinux") })).sizeBytes).to.equal(6);
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
