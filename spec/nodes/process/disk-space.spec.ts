/** The file systems that are watched: each of those under the directories, once. */
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { DirectorySpace } from "../../../nodes/process/disk-space.ts";
import { HangingStorage, missingForHangingStorage } from "../../support/hanging-storage.ts";
import { skip } from "../../support/services.ts";
import { mountSmall } from "../../support/small-file-system.ts";

describe("the room on file systems", () => {
  it("is told of a directory that was missing at the start, from the moment it is there", async () => {
    const root = await mkdtemp(join(tmpdir(), "novact-space-"));
    const path = join(root, "later");
    const space = new DirectorySpace([{ of: "database", path }]);
    expect(await space.look()).to.deep.equal([]);
    await mkdir(path);
    expect((await space.look()).map(({ of }) => of)).to.deep.equal(["database"]);
    await rm(root, { recursive: true });
  });

  it("is told once of directories that share one, and of none that is gone", async function () {
    const disk = mountSmall(this, 4);
    const root = await mkdtemp(join(tmpdir(), "novact-space-"));
    const space = new DirectorySpace([
      { of: "state directory", path: root },
      { of: "shared directory", path: disk.path },
      { of: "database", path: join(disk.path, "later") },
    ]);
    const names = async () => (await space.look()).map(({ of }) => of);
    expect(await names()).to.deep.equal(["state directory", "shared directory"]);
    await mkdir(join(disk.path, "later"));
    expect(await names(), "the same as before").to.deep.equal(["state directory", "shared directory"]);
    disk.remove();
    expect(await names()).to.deep.equal(["state directory"]);
    await rm(root, { recursive: true });
  });

  it("has as much in all as there is to be used, and no more", async () => {
    const [found] = await new DirectorySpace([{ of: "database", path: tmpdir() }]).look();
    const { bavail, bfree, blocks, bsize } = await statfs(tmpdir());
    const usedBytes = (blocks - bfree) * bsize;
    const { totalBytes = 0, freeBytes = 0 } = found ?? {};
    // Others write meanwhile.
    expect(totalBytes - freeBytes).to.be.closeTo(usedBytes, 2 * 1024 ** 3);
    expect(totalBytes).to.be.at.most(usedBytes + bavail * bsize + 2 * 1024 ** 3);
  });

  it("says on which one disks are made, and adds up what lies in directories of one", async () => {
    const root = await mkdtemp(join(tmpdir(), "novact-space-"));
    const space = new DirectorySpace([
      { of: "state directory", path: root, use: () => ({ imagesBytes: 5 }) },
      { of: "guests directory", path: root, disks: true, use: () => ({ allocatedBytes: 7 }) },
      { of: "database", path: root, use: () => ({ allocatedBytes: 1, imagesBytes: 2 }) },
    ]);
    const [found] = await space.look();
    expect(found).to.deep.include({ of: "state directory", disks: true, allocatedBytes: 8, imagesBytes: 7 });
    await rm(root, { recursive: true });
  });

  it("is told as it was of one that hangs, and for how long it has, until it answers", async function () {
    this.timeout(60_000);
    const missing = missingForHangingStorage();
    if (missing !== undefined) skip(this, missing);
    const root = await mkdtemp(join(tmpdir(), "novact-space-"));
    const storage = await HangingStorage.mount(root);
    let nowMs = 0;
    let measured = 0;
    const use = () => {
      measured += 1;
      return { allocatedBytes: measured };
    };
    const watched = { of: "shared directory", path: storage.directory, disks: true, use } as const;
    const space = new DirectorySpace([watched], () => nowMs);
    // A busy computer may take longer for its first answer than one look waits.
    let [before] = await space.look();
    while (before === undefined || before.silentMs !== undefined) [before] = await space.look();
    const times = measured;
    await storage.hang();
    const { allocatedBytes: _, ...room } = before;
    expect(await space.look()).to.deep.equal([{ ...room, silentMs: 0 }]);
    nowMs = 31_000;
    expect(await space.look()).to.deep.equal([{ ...room, silentMs: 31_000 }]);
    expect(measured, "nobody measures what hangs").to.equal(times);
    await storage.answer();
    let [after] = await space.look();
    while (after?.silentMs !== undefined) [after] = await space.look();
    expect(after).to.deep.include({ of: "shared directory", allocatedBytes: times + 1 });
    await storage.close();
    await rm(root, { recursive: true });
  });
});
