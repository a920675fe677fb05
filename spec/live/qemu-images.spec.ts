/**
 * The image store with real images of every kind that qemu-img can make, and some that it refuses to make.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { appendFile, open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
import { disguises } from "../support/disguises.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";

describe("real disk images", function () {
  this.timeout(30_000);
  let place: TemporaryDirectory;
  let store: ImageStore;
  const at = (name: string) => join(place.path, name);
  const make = (name: string, ...argv: string[]): string => {
    execFileSync("qemu-img", ["create", "-q", ...argv.map((one) => one.replace("@", at(name)))]);
    return at(name);
  };
  /** qemu-img times a hash first, and gives up where the computer's CPU clock stands still meanwhile. */
  const makeEncrypted = (...parameters: Parameters<typeof make>): void => {
    for (let triesLeft = 10; ; triesLeft -= 1) {
      try {
        make(...parameters);
        return;
      } catch (error) {
        if (triesLeft === 0 || !/accurate CPU usage/.test(String(error))) throw error;
      }
    }
  };
  const reasonOf = async (path: string, format: "qcow2" | "raw"): Promise<string> =>
    store.registerFile({ path, format }).then(
      () => "none",
      (error: unknown) => (error instanceof Error ? error.message : "odd"),
    );

  before(function () {
    const missing = missingForGuests();
    if (missing?.includes("not installed")) skip(this, missing);
  });
  beforeEach(async () => {
    place = await temporaryDirectory();
    store = new ImageStore({ directory: at("store"), sources: [place.path] });
  });
  afterEach(() => place?.remove());

  it("of qcow2 are taken, in both versions and with all that is harmless", async () => {
    const plain = make("plain", "-f", "qcow2", "@", "5M");
    const old = make("old", "-f", "qcow2", "-o", "compat=0.10", "@", "6M");
    const zstd = make("zstd", "-f", "qcow2", "-o", "compression_type=zstd,extended_l2=on", "@", "7M");
    const sizes = [];
    for (const path of [plain, old, zstd]) {
      sizes.push((await store.registerFile({ path, format: "qcow2" })).virtualSizeBytes);
    }
    expect(sizes).to.deep.equal([5, 6, 7].map((mib) => mib * 1024 ** 2));
    expect(await readdir(at("store"))).to.have.length(3);
  });

  it("with a backing file, a data file or encryption are refused", async () => {
    const base = make("base", "-f", "raw", "@", "1M");
    make("overlay", "-f", "qcow2", "-b", base, "-F", "raw", "@");
    make("data", "-f", "qcow2", "-o", `data_file=${at("data.raw")}`, "@", "1M");
    const secret = [
      "--object",
      "secret,id=s,data=abc",
      "-f",
      "qcow2",
      "-o",
      "encrypt.format=luks,encrypt.key-secret=s",
    ];
    makeEncrypted("luks", ...secret, "-o", "encrypt.iter-time=10", "@", "1M");
    expect(await reasonOf(at("overlay"), "qcow2")).to.match(/backing file/);
    expect(await reasonOf(at("data"), "qcow2")).to.match(/data file/);
    expect(await reasonOf(at("luks"), "qcow2")).to.match(/encrypted/);
    expect(await readdir(at("store"))).to.deep.equal([]);
  });

  it("of other formats are refused under either name", async () => {
    for (const format of ["vmdk", "vhdx", "vdi", "qed"]) {
      const path = make(format, "-f", format, "@", "1M");
      expect(await reasonOf(path, "raw"), format).to.match(/said to be raw/);
      expect(await reasonOf(path, "qcow2"), format).to.match(/not a qcow2/);
    }
  });

  /** An image with 9 MiB of data in two places. */
  const makeFull = (name: string, ...options: string[]): string => {
    const path = make(name, "-f", "qcow2", ...options, "@", "64M");
    execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 1 0 8M", "-c", "write -P 2 40M 1M", path]);
    return path;
  };
  const pack = (name: string, from: string, ...options: string[]): string => {
    const kinds = ["-q", "-c", "-f", "qcow2", "-O", "qcow2", ...options];
    execFileSync("qemu-img", ["convert", ...kinds, from, at(name)]);
    return at(name);
  };
  /** Lengths to cut a file to: inside everything that it has, and one byte before its end. */
  const cuts = (length: number): readonly number[] => [
    ...Array.from({ length: 24 }, (_, index) => Math.floor((length * (index + 1)) / 25)),
    ...[length - 70_000, length - 512, length - 1].filter((cut) => cut > 0),
  ];

  it("with data are taken whole, and refused when they are cut off anywhere", async () => {
    const plain = makeFull("plain");
    const paths = [
      plain,
      makeFull("small", "-o", "cluster_size=4k"),
      makeFull("parts", "-o", "extended_l2=on"),
      makeFull("old", "-o", "compat=0.10"),
      makeFull("all", "-o", "preallocation=falloc"),
    ];
    for (const path of paths) {
      expect(await reasonOf(path, "qcow2"), path).to.equal("none");
      const whole = await readFile(path);
      for (const length of cuts(whole.length)) {
        await writeFile(at("cut"), whole.subarray(0, length));
        expect(await reasonOf(at("cut"), "qcow2"), `${path} ${length}`).to.match(/cut off|not a qcow2/);
      }
    }
  });

  it("with packed data are taken whole, and refused when a sector of the data is cut off", async () => {
    const plain = makeFull("plain");
    execFileSync("qemu-io", ["-f", "qcow2", "-c", `write -s /proc/self/exe 0 1M`, plain]);
    for (const path of [pack("zlib", plain), pack("zstd", plain, "-o", "compression_type=zstd")]) {
      expect(await reasonOf(path, "qcow2"), path).to.equal("none");
      const whole = await readFile(path);
      for (const length of cuts(whole.length).map((cut) => cut - 512)) {
        await writeFile(at("cut"), whole.subarray(0, length));
        expect(await reasonOf(at("cut"), "qcow2"), `${path} ${length}`).to.match(/cut off|not a qcow2/);
      }
    }
  });

  it("with more than they need are taken: leaks, and a few snapshots", async () => {
    const path = makeFull("snapshots");
    for (const name of ["one", "two"]) execFileSync("qemu-img", ["snapshot", "-c", name, path]);
    expect(await reasonOf(path, "qcow2")).to.equal("none");
    const leaking = makeFull("leaking");
    await appendFile(leaking, Buffer.alloc(1024 * 1024, 3));
    expect(await reasonOf(leaking, "qcow2")).to.equal("none");
  });

  it("are never what QEMU would take a raw disk for", async () => {
    for (const { name, text, vmdk } of disguises) {
      const path = at("disguised");
      const content = Buffer.alloc(1024 * 1024);
      content.write(text, "latin1");
      await writeFile(path, content);
      const probed = spawnSync("qemu-img", ["info", "--output=json", path], { encoding: "utf8" });
      const raw = probed.status === 0 && JSON.parse(probed.stdout).format === "raw";
      expect(raw, `${name}: QEMU says ${probed.stdout}${probed.stderr}`).to.equal(!vmdk);
      expect(await reasonOf(path, "raw"), name).to.match(vmdk ? /is VMDK/ : /none/);
    }
  });

  it("that are garbage behind a good header are refused", async () => {
    const garbage = await readFile(make("good", "-f", "qcow2", "@", "64M"));
    garbage.fill(0xff, 512);
    await writeFile(at("garbage"), garbage);
    expect(await reasonOf(at("garbage"), "qcow2")).to.match(/cut off|no cluster begins/);
  });

  it("whose header asks for an enormous table are refused within their memory and time", async () => {
    const path = make("bomb", "-f", "qcow2", "@", "1M");
    const file = await open(path, "r+");
    const field = Buffer.alloc(12);
    field.writeBigUInt64BE(2n ** 45n, 0);
    field.writeUInt32BE(0x7fff_ffff, 8);
    await file.write(field.subarray(0, 8), 0, 8, 24);
    await file.write(field.subarray(8), 0, 4, 36);
    await file.close();
    expect(await reasonOf(path, "qcow2")).to.match(/cut off|larger than/);
  });
});
