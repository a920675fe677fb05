/**
 * Uploads with real tools: what is packed and what is converted comes out as it went in; every hostile shape
 * is refused, and the pipe that it names is never opened.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { SealRequest } from "../../actors/ports/image-uploads.ts";
import { unpack } from "../../nodes/drivers/images/uploads/unpack.ts";
import { FileUploads } from "../../nodes/drivers/images/uploads/uploads.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { until } from "../support/asking.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { hostileDisks } from "../support/hostile-disks.ts";
import { missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { mountSmall } from "../support/small-file-system.ts";

const mib = 1024 ** 2;

describe("uploads of real images", function () {
  this.timeout(120_000);
  let place: TemporaryDirectory;
  let uploads: FileUploads;
  const at = (...parts: string[]) => join(place.path, ...parts);
  const kept = async () =>
    (await readdir(at("store"))).filter((name) => name !== "uploads" && !name.endsWith(".held"));

  before(function () {
    const missing = missingForGuests();
    if (missing?.includes("not installed")) skip(this, missing);
    for (const tool of ["gzip", "xz", "zstd"])
      if (spawnSync(tool, ["--version"]).status !== 0) skip(this, `${tool} is not installed`);
  });
  beforeEach(async () => {
    place = await temporaryDirectory();
    uploads = new FileUploads({ directory: at("store"), nowMs: () => Date.now(), freeBytesMin: 0 });
  });
  /** What refusals tell the log alone: of a case that fails it is the cause. */
  const told: string[] = [];
  afterEach(async function () {
    if (this.currentTest?.state === "failed") console.log(`      ${told.join("\n      ")}`);
    told.length = 0;
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await place?.remove();
  });

  const send = async (path: string, by = uploads): Promise<void> => {
    await by.discard("up");
    await by.begin({ uploadId: "up", imageId: "image", project: "demo" });
    const content = await readFile(path);
    for (let offset = 0; offset < content.length; offset += mib)
      await by.write("up", offset, content.subarray(offset, offset + mib));
  };
  const take = async (path: string, said: SealRequest) => {
    await send(path);
    return uploads.seal("up", said).catch((error: unknown) => {
      if (error instanceof StatusError && error.detail !== undefined) told.push(error.detail);
      throw error;
    });
  };
  const refusal = async (asked: Promise<unknown>, name = "it"): Promise<StatusError> => {
    const thrown = await asked.then(
      () => new Error(`Not refused: ${name}.`),
      (error: unknown) => error,
    );
    if (thrown instanceof StatusError) return thrown;
    throw thrown;
  };

  /** A raw disk of 5 MiB with something in it. */
  const raw = async (): Promise<string> => {
    const content = Buffer.alloc(5 * mib);
    for (let byte = 0; byte < mib; byte += 1) content[2 * mib + byte] = (byte * 31) % 251;
    content.write("at the end", content.length - 10);
    await writeFile(at("disk.raw"), content);
    return at("disk.raw");
  };
  const asRaw = (path: string): Buffer => {
    execFileSync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", path, at("back.raw")]);
    return execFileSync("cat", [at("back.raw")], { maxBuffer: 64 * mib });
  };

  for (const [packing, ...tool] of [
    ["gzip", "gzip", "-c"],
    ["xz", "xz", "-c"],
    ["zstd", "zstd", "-cq"],
  ] as const)
    it(`are unpacked by ${packing}`, async () => {
      const path = await raw();
      const [command, ...argv] = tool;
      await writeFile(at("packed"), execFileSync(command, [...argv, path]));
      const sealed = await take(at("packed"), { format: "raw", packing });
      expect((await readFile(at("store", sealed.sha256))).equals(await readFile(path))).to.equal(true);
      expect((await readdir(at("store", "uploads"))).sort()).to.deep.equal(["up.json"]);
    });

  for (const [format, ...options] of [
    ["vmdk", "-o", "subformat=monolithicSparse"],
    ["vmdk", "-o", "subformat=streamOptimized"],
    ["vhdx"],
    ["vdi"],
  ] as const)
    it(`of ${[format, ...options].join(" ")} become qcow2 with the same content`, async () => {
      const path = await raw();
      execFileSync("qemu-img", ["convert", "-f", "raw", "-O", format, ...options, path, at("other")]);
      const sealed = await take(at("other"), { format });
      expect(sealed).to.include({ format: "qcow2", virtualSizeBytes: 5 * mib });
      expect(asRaw(at("store", sealed.sha256)).equals(await readFile(path))).to.equal(true);
      await writeFile(at("packed"), execFileSync("gzip", ["-c", at("other")]));
      const again = await take(at("packed"), { format, packing: "gzip" });
      expect(asRaw(at("store", again.sha256)).equals(await readFile(path))).to.equal(true);
    });

  it("are refused in every hostile shape, and what they name is never opened", async () => {
    const canary = await layCanary(at("canary"));
    const shapes = await hostileDisks(place.path, at("canary"));
    expect(shapes.length).to.be.at.least(30);
    for (const { name, path, said } of shapes) {
      const { reason, message } = await refusal(take(path, said), name);
      expect(reason, name).to.equal("unusableImage");
      expect(message, name).not.to.include(place.path);
      expect(await canary.opened(), `${name} opens what it names`).to.equal(false);
    }
    // Its end may be heard later than the refusal.
    await sleep(200);
    expect(await canary.opened(), "one of them opens what it names").to.equal(false);
    expect(await kept()).to.deep.equal([]);
    expect((await readdir(at("store", "uploads"))).sort()).to.deep.equal(["up.json", "up.part"]);
    // And the canary sings: QEMU opens what such a disk names, when nobody has looked at it before.
    const [trap] = shapes.filter(({ name }) => name === "VMDK of no size, with a descriptor");
    spawnSync("qemu-img", ["convert", "-f", "vmdk", "-O", "raw", trap?.path ?? "", at("copy")], {
      timeout: 20_000,
    });
    await until(canary.opened, (opened) => opened);
  });

  it("that unpack to more than they may are stopped, and zeros take no room", async () => {
    execFileSync("sh", ["-c", `head -c 100000000 /dev/zero | zstd -cq > '${at("bomb")}'`]);
    const target = await open(at("target"), "wx");
    const { signal } = new AbortController();
    try {
      const options = { packing: "zstd", target, signal, needRoom: async () => 0 } as const;
      const { message } = await refusal(unpack(at("bomb"), { ...options, bytesMax: 10 * mib }));
      expect(message).to.match(/unpacked it has more than/);
      const { size, blocks } = await target.stat();
      expect(size).to.be.at.most(10 * mib);
      expect(blocks * 512).to.be.below(mib);
    } finally {
      await target.close();
    }
  });

  it("on a full disk lose nothing but the rest, and go on when there is room", async function () {
    const small = mountSmall(this, 16);
    try {
      const directory = join(small.path, "store");
      const tight = new FileUploads({ directory, nowMs: () => Date.now(), freeBytesMin: 0 });
      const path = await raw();
      const content = await readFile(path);
      await tight.begin({ uploadId: "up", imageId: "image", project: "demo" });
      small.fill();
      const { reason } = await refusal(tight.write("up", 0, Buffer.alloc(mib, 7)));
      expect(reason).to.equal("diskFull");
      small.free();
      const { nextOffset = -1 } = (await tight.status("up")) ?? {};
      expect(nextOffset).to.be.within(0, mib);
      await tight.discard("up");
      execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "vdi", path, at("disk.vdi")]);
      await send(at("disk.vdi"), tight);
      small.fill();
      expect((await refusal(tight.seal("up", { format: "vdi" }))).reason).to.equal("diskFull");
      small.free();
      expect((await tight.status("up"))?.sealed).to.equal(null);
      const sealed = await tight.seal("up", { format: "vdi" });
      expect(asRaw(join(directory, sealed.sha256)).equals(content)).to.equal(true);
    } finally {
      small.remove();
    }
  });
});

interface Canary {
  /** Whether anything has opened the pipe. */
  opened(): Promise<boolean>;
}

/** The writers of canaries, which a case that fails leaves waiting. */
const children: ChildProcess[] = [];

/** A pipe with a waiting writer, whose process ends as soon as any reader opens the pipe. */
async function layCanary(path: string): Promise<Canary> {
  execFileSync("mkfifo", ["-m", "666", path]);
  const writer = spawn("sh", ["-c", ': > "$1"', "sh", path], { stdio: "ignore" });
  children.push(writer);
  return { opened: async () => writer.exitCode !== null };
}
