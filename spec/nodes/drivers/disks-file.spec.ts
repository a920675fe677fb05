/**
 * Disks in a local directory, as far as no tool of QEMU is needed: the cache of verified images, and its
 * failures.
 */
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { FileDisks } from "../../../nodes/drivers/disks-file.ts";
import { makeStateDirectories, type StateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { DirectoryMachineFiles } from "../../../nodes/drivers/machine-files.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import {
  fileFacts,
  machineSpec,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../../support/driver-world.ts";
import { skip } from "../../support/services.ts";

const never = new AbortController().signal;

describe("the file disks", () => {
  let place: TemporaryDirectory;
  let directories: StateDirectories;
  let disks: FileDisks;
  let kernel: { readonly sha256: string; readonly sizeBytes: number };
  const store = () => join(place.path, "store");
  const cached = () => readdir(directories.images);

  beforeEach(async () => {
    place = await temporaryDirectory();
    directories = makeStateDirectories(join(place.path, "state"));
    disks = new FileDisks(directories, store());
    await mkdir(store());
    await writeFile(join(store(), "new"), Buffer.alloc(3 * 1024 * 1024, "k"));
    kernel = await fileFacts(join(store(), "new"));
    execFileSync("mv", [join(store(), "new"), join(store(), kernel.sha256)]);
  });
  afterEach(() => place.remove());

  const kernelSpec = (): MachineSpec =>
    machineSpec({ image: { id: "image", disk: null, kernel, ramdisk: null, commandLine: "" } });
  const refusal = async (spec: MachineSpec): Promise<StatusError> => {
    const error = await disks.ensure(spec, never).catch((thrown: unknown) => thrown);
    if (error instanceof StatusError) return error;
    throw new Error("It did not fail.", { cause: error });
  };

  it("copies an image once, for however many guests at the same time", async () => {
    const paths = await Promise.all([1, 2, 3, 4].map(() => disks.ensure(kernelSpec(), never)));
    expect(new Set(paths.map((one) => one.kernel)).size).to.equal(1);
    expect(await cached()).to.deep.equal([kernel.sha256]);
    expect(await readFile(paths[0]?.kernel ?? "")).to.have.length(kernel.sizeBytes);
    expect((await stat(paths[0]?.kernel ?? "")).mode & 0o777, "nobody but its guests").to.equal(0o440);
  });

  it("needs the image store no more once the image is there", async () => {
    await disks.ensure(kernelSpec(), never);
    await rm(store(), { recursive: true });
    expect((await disks.ensure(kernelSpec(), never)).kernel).to.be.a("string");
  });

  it("says that an image is missing, and takes it when it has come back", async () => {
    await rm(join(store(), kernel.sha256));
    expect((await refusal(kernelSpec())).reason).to.equal("imageMissing");
    await writeFile(join(store(), kernel.sha256), Buffer.alloc(3 * 1024 * 1024, "k"));
    expect((await disks.ensure(kernelSpec(), never)).kernel).to.be.a("string");
  });

  for (const [what, size] of [
    ["other bytes", 3 * 1024 * 1024],
    ["fewer bytes", 1_000],
    ["more bytes", 4 * 1024 * 1024],
  ] as const) {
    it(`refuses ${what} than were registered, and keeps nothing`, async () => {
      await writeFile(join(store(), kernel.sha256), Buffer.alloc(size, "x"));
      expect((await refusal(kernelSpec())).reason).to.equal("checksumMismatch");
      expect(await cached()).to.deep.equal([]);
    });
  }

  it("goes on copying for those who still wait when one of them leaves", async () => {
    const abort = new AbortController();
    const leaving = disks.ensure(kernelSpec(), abort.signal).catch((error: unknown) => error);
    const staying = disks.ensure(kernelSpec(), never);
    abort.abort();
    expect(await leaving).to.have.property("name", "AbortError");
    expect((await staying).kernel).to.be.a("string");
  });

  it("begins anew for one who comes just after the last has left", async () => {
    const abort = new AbortController();
    const leaving = disks.ensure(kernelSpec(), abort.signal).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect((await disks.ensure(kernelSpec(), never)).kernel).to.be.a("string");
    await leaving;
    expect(await cached()).to.deep.equal([kernel.sha256]);
  });

  it("clears what an agent that died has left of a copy", async () => {
    await writeFile(join(directories.images, `${kernel.sha256}.1-aa.tmp`), "half");
    await disks.ensure(kernelSpec(), never);
    expect(await cached()).to.deep.equal([kernel.sha256]);
  });

  it("says that the disk is full, and keeps nothing half", async function () {
    const small = join(place.path, "small");
    await mkdir(small);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=711", "tmpfs", small], { stdio: "ignore" });
    } catch {
      skip(this, "a small file system cannot be mounted here");
    }
    try {
      const full = makeStateDirectories(small);
      disks = new FileDisks(full, store());
      expect((await refusal(kernelSpec())).reason).to.equal("diskFull");
      expect(await readdir(full.images)).to.deep.equal([]);
      const files = new DirectoryMachineFiles(full);
      const large = await files.write("i1", { text: "x".repeat(2 ** 21) }).catch((error: unknown) => error);
      expect(large).to.have.property("reason", "diskFull");
      expect(await files.readAll()).to.deep.equal([]);
    } finally {
      execFileSync("umount", [small]);
    }
  });

  it("refuses a disk that would be smaller than its image", async () => {
    const disk = { ...kernel, format: "raw", virtualSizeBytes: 2 ** 31 } as const;
    const image = { id: "image", disk, kernel: null, ramdisk: null, commandLine: "" };
    expect((await refusal(machineSpec({ diskGib: 1, image }))).reason).to.equal("hypervisorRefused");
  });

  it("holds what it removes open, so that it gives up what a guest has nested without an end", async () => {
    const own = join(directories.guests, "i1");
    await mkdir(join(own, "d/".repeat(60)), { recursive: true });
    const error = await disks.release("i1").catch((thrown: unknown) => thrown);
    expect(String(error)).to.match(/More than 32 directories/);
  });

  it("never leaves its directory, whatever an id is", async () => {
    for (const instanceId of ["..", "../x", "a/b", "", "."]) {
      const error = await disks.release(instanceId).catch((thrown: unknown) => thrown);
      expect(error, instanceId).to.be.instanceOf(Error);
    }
    expect(await readdir(place.path)).to.include("store");
  });
});

describe("the machine files", () => {
  it("answer an unreadable file without its content, and clear what was half written", async () => {
    const place = await temporaryDirectory();
    const directories = makeStateDirectories(place.path);
    const files = new DirectoryMachineFiles(directories);
    await files.write("i1", { generation: 1 });
    await writeFile(join(directories.machines, "i2.json"), '{"gener');
    await writeFile(join(directories.machines, "i3.json.1-aa.tmp"), "{}");
    expect(await files.readAll()).to.deep.equal([
      { instanceId: "i1", content: { generation: 1 } },
      { instanceId: "i2", content: undefined },
    ]);
    expect(await readdir(directories.machines)).to.deep.equal([".spare", "i1.json", "i2.json"]);
    await place.remove();
  });
});
