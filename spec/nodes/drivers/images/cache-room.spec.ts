/** The bound of a host's image cache, with real files: what goes, and what never does. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { type BringImage, ImageCache } from "../../../../nodes/drivers/images/cache.ts";
import { CacheRoom, type CacheRoomOptions } from "../../../../nodes/drivers/images/cache-room.ts";
import { imagesInUse } from "../../../../nodes/drivers/images/images-in-use.ts";
import { ImageLeases } from "../../../../nodes/drivers/images/leases.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";

const kib = 1024;
const sizeBytes = 64 * kib;
const contentOf = (index: number): Buffer => Buffer.alloc(sizeBytes, `${index}!`);
const image = (index: number) => ({
  sha256: createHash("sha256").update(contentOf(index)).digest("hex"),
  sizeBytes,
});

describe("the room of a host's image cache", () => {
  let place: TemporaryDirectory;
  let nowMs: number;
  const at = (...parts: string[]) => join(place.path, ...parts);
  const { signal } = new AbortController();
  beforeEach(async () => {
    place = await temporaryDirectory();
    nowMs = 1_000_000;
    for (const name of ["images", "guests", "machines"]) await mkdir(at(name));
  });
  afterEach(() => place.remove());

  const bring: BringImage = async ({ sha256 }, part) => {
    const index = [0, 1, 2, 3, 4].find((one) => image(one).sha256 === sha256);
    await writeFile(part, contentOf(index ?? -1));
  };
  const make = (given: Partial<CacheRoomOptions> = {}) => {
    const leases = new ImageLeases(at("images"));
    const room = new CacheRoom({
      ...{ directory: at("images"), leases, cacheBytesMax: 3 * sizeBytes, freeBytesMin: 0 },
      inUse: () => imagesInUse({ guests: at("guests"), machines: at("machines") }),
      ...{ partKeptMs: 3_600_000, nowMs: () => nowMs },
      ...given,
    });
    const directories = { images: at("images") };
    const cache = new ImageCache(directories, bring, { leftoverMsMin: 0, room });
    const ensure = async (index: number) => {
      nowMs += 1_000;
      const path = await cache.ensure(image(index), signal);
      await room.used(path);
      return path;
    };
    return { leases, room, ensure };
  };
  /** The first bytes of an image, as a pull that was broken off has left these. */
  const partOf = (index: number, bytes: number) =>
    writeFile(at("images", `${image(index).sha256}.part`), contentOf(index).subarray(0, bytes));
  /** Cached images, by number. */
  const there = async (): Promise<readonly number[]> => {
    const names = await readdir(at("images"));
    return [0, 1, 2, 3, 4].filter((index) => names.includes(image(index).sha256));
  };
  const overlay = async (guest: string, index: number): Promise<void> => {
    await mkdir(at("guests", guest));
    const head = Buffer.alloc(1_024);
    const name = `../../images/${image(index).sha256}`;
    head.write("QFI\xfb", "latin1");
    head.writeBigUInt64BE(512n, 8);
    head.writeUInt32BE(name.length, 16);
    head.write(name, 512);
    await writeFile(at("guests", guest, "disk.qcow2"), head);
  };

  it("counts what has come of an image before: only its rest needs room", async () => {
    await partOf(0, sizeBytes / 2);
    await make({ freeBytes: async () => sizeBytes / 2 }).ensure(0);
    expect(await there()).to.deep.equal([0]);
  });

  it("gives the room of parts that nobody goes on with to an image that a guest needs", async () => {
    await partOf(1, sizeBytes);
    const parts = async () => (await readdir(at("images"))).filter((name) => name.endsWith(".part"));
    const freeBytes = async () => ((await parts()).length > 1 ? 0 : sizeBytes);
    await partOf(0, 1);
    expect((await make().room.look()).takenBytes).to.be.at.least(sizeBytes);
    await make({ freeBytes }).ensure(0);
    expect([await there(), await parts()]).to.deep.equal([[0], []]);
  });

  it("is made by images that were not used for longest", async () => {
    const { ensure } = make();
    for (const index of [0, 1, 2]) await ensure(index);
    await ensure(0);
    await ensure(3);
    expect(await there()).to.deep.equal([0, 2, 3]);
    await ensure(4);
    expect(await there()).to.deep.equal([0, 3, 4]);
    expect((await readFile(at("images", image(3).sha256))).equals(contentOf(3))).to.equal(true);
  });

  it("never takes an image below a guest's disk, of a machine, or under a lease", async () => {
    const { ensure, leases } = make();
    for (const index of [0, 1, 2]) await ensure(index);
    await overlay("guest-1", 0);
    await writeFile(at("machines", "m.json"), JSON.stringify({ spec: { image: { kernel: image(1) } } }));
    await leases.holding([image(2).sha256], async () => {
      const refused = await ensure(3).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(StatusError);
      expect((refused as StatusError).reason).to.equal("diskFull");
      expect(await there()).to.deep.equal([0, 1, 2]);
    });
    await ensure(3);
    expect(await there()).to.deep.equal([0, 1, 3]);
    await rm(at("guests", "guest-1"), { recursive: true });
    await ensure(4);
    expect(await there()).to.deep.equal([1, 3, 4]);
  });

  it("puts back what came into use while it was set aside", async () => {
    let looks = 0;
    const { ensure } = make({
      inUse: async () => {
        looks += 1;
        // The first look finds nothing; at the second one a guest has the oldest.
        return new Set(looks === 2 ? [image(0).sha256] : []);
      },
    });
    for (const index of [0, 1, 2]) await ensure(index);
    expect(looks).to.equal(0);
    await ensure(3);
    expect(looks).to.equal(2);
    expect(await there()).to.deep.equal([0, 1, 2, 3]);
  });

  it("decides anew what an agent left aside that died", async () => {
    const { room } = make();
    for (const index of [0, 1])
      await writeFile(at("images", `${image(index).sha256}.0123456789ab.aside`), contentOf(index));
    await overlay("guest-1", 0);
    expect(await room.tidy()).to.equal(true);
    expect(await there()).to.deep.equal([0]);
    expect(await readdir(at("images"))).to.have.length(1);
  });

  it("heeds the leases of processes that live, and removes those of others", async () => {
    const { leases } = make();
    const { pid: dead } = spawnSync("true");
    const name = (index: number, pid: number) => `${image(index).sha256}.${pid}-0123456789ab.lease`;
    await writeFile(at("images", name(0, process.pid)), "");
    await writeFile(at("images", name(1, dead)), "");
    expect([...(await leases.leased())]).to.deep.equal([image(0).sha256]);
    expect(await readdir(at("images"))).to.deep.equal([name(0, process.pid)]);
  });

  it("keeps no lease of work that failed, and lets leases wait for an eviction", async () => {
    const { leases } = make();
    const failed = leases.holding([image(0).sha256], async () => {
      throw new Error("no");
    });
    expect(await failed.catch((error: Error) => error.message)).to.equal("no");
    expect(await readdir(at("images"))).to.deep.equal([]);
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const eviction = leases.unleased(image(0).sha256, async () => {
      await promise;
      order.push("evicted");
    });
    const lease = leases.holding([image(0).sha256], async () => order.push("leased"));
    resolve();
    await Promise.all([eviction, lease]);
    expect(order).to.deep.equal(["evicted", "leased"]);
  });

  it("is not given twice, when several images come at once", async () => {
    const { ensure } = make();
    for (const index of [0, 1]) await ensure(index);
    await Promise.all([2, 3, 4].map(ensure));
    expect(await there()).to.deep.equal([2, 3, 4]);
  });

  it("refuses an image that would leave too little free, and throws nothing away for it", async () => {
    const { ensure } = make();
    for (const index of [0, 1]) await ensure(index);
    const tight = make({ freeBytesMin: Number.MAX_SAFE_INTEGER });
    const refused = await tight.ensure(2).catch((error: unknown) => error);
    expect((refused as StatusError).reason).to.equal("diskFull");
    expect(await tight.room.tidy()).to.equal(false);
    expect(await there()).to.deep.equal([0, 1]);
  });

  it("loses parts that nobody goes on with, and keeps the others", async () => {
    const { room } = make({ nowMs: () => Date.now() });
    const [old, young] = [`${image(0).sha256}.part`, `${image(1).sha256}.part`];
    for (const name of [old, young]) await writeFile(at("images", name), "half");
    const longAgo = new Date(Date.now() - 3_700_000);
    await utimes(at("images", old), longAgo, longAgo);
    await room.tidy();
    expect(await readdir(at("images"))).to.deep.equal([young]);
  });

  it("evicts nothing when it cannot be told what is in use", async () => {
    const { ensure } = make();
    for (const index of [0, 1, 2]) await ensure(index);
    await rename(at("guests"), at("elsewhere"));
    await writeFile(at("guests"), "no directory");
    await mkdir(at("machines", "odd.json"));
    const refused = await ensure(3).catch((error: NodeJS.ErrnoException) => error.code);
    expect(refused).to.equal("EISDIR");
    expect(await there()).to.deep.equal([0, 1, 2]);
  });

  it("names the image below a disk, and none below what is no overlay", async () => {
    await overlay("guest-1", 0);
    await mkdir(at("guests", "guest-2"));
    await mkdir(at("guests", "guest-3"));
    const file = await open(at("guests", "guest-3", "disk.qcow2"), "w");
    await file.close();
    const inUse = await imagesInUse({ guests: at("guests"), machines: at("machines") });
    expect([...inUse]).to.deep.equal([image(0).sha256]);
  });
});
