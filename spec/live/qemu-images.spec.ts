/**
 * The image store with real images of every kind that qemu-img can make, and some that it refuses to make.
 */
import { execFileSync } from "node:child_process";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { ImageStore } from "../../nodes/drivers/images/store.ts";
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

  it("that are cut off, or garbage behind a good header, are refused or harmless", async () => {
    const good = await readFile(make("good", "-f", "qcow2", "@", "64M"));
    for (const length of [80, 512, 65_536]) {
      await writeFile(at("cut"), good.subarray(0, length));
      expect(await reasonOf(at("cut"), "qcow2"), String(length)).to.match(/cannot|unusable|none/);
    }
    const garbage = Buffer.from(good);
    garbage.fill(0xff, 512);
    await writeFile(at("garbage"), garbage);
    const began = performance.now();
    await reasonOf(at("garbage"), "qcow2");
    expect(performance.now() - began).to.be.below(20_000);
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
    expect(await reasonOf(path, "qcow2")).to.match(/cannot make sense/);
  });
});
