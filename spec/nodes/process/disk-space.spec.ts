/** The file systems that are watched: each of those under the directories, once. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { DirectorySpace } from "../../../nodes/process/disk-space.ts";
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
});
