/** Directories that guests may write to are removed whole, and nothing that they have put links to. */
import { link, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { exists } from "../../../nodes/drivers/guest-directory.ts";
import { removeTree } from "../../../nodes/drivers/remove-tree.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

describe("a directory that a guest may write to", () => {
  let place: TemporaryDirectory;
  let own = "";
  beforeEach(async () => {
    place = await temporaryDirectory();
    own = join(place.path, "own");
    await mkdir(join(place.path, "other"));
    await writeFile(join(place.path, "other", "file"), "");
    await mkdir(own);
  });
  afterEach(() => place.remove());

  it("is removed with all that is in it, and what its links lead to stays", async () => {
    await mkdir(join(own, "a/b/c"), { recursive: true });
    await writeFile(join(own, "a/b/file"), "");
    await symlink("../other", join(own, "link"));
    await symlink(join(place.path, "other"), join(own, "a/b/c/link"));
    await link(join(place.path, "other", "file"), join(own, "file"));
    await removeTree(own);
    expect(await readdir(place.path)).to.deep.equal(["other"]);
    expect(await readdir(join(place.path, "other"))).to.deep.equal(["file"]);
  });

  it("that is a link itself is neither followed nor removed", async () => {
    await symlink("other", join(place.path, "link"));
    await removeTree(join(place.path, "link"));
    expect(await readdir(place.path)).to.have.members(["link", "other", "own"]);
    expect(await readdir(join(place.path, "other"))).to.deep.equal(["file"]);
  });

  it("may be gone already", async () => {
    await removeTree(own);
    await removeTree(own);
    expect(await exists(own)).to.equal(false);
  });

  it("with directories in each other without an end is given up", async () => {
    await mkdir(join(own, "d/".repeat(60)), { recursive: true });
    const error = await removeTree(own).catch((one: unknown) => one);
    expect(String(error)).to.match(/More than 32 directories/);
  });
});
