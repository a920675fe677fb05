/** What the doctor hears of names that are none of ours, in the directories of guests and images. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { FileDisks } from "../../../../nodes/drivers/disks-file.ts";
import { foreignNames } from "../../../../nodes/drivers/files/foreign-names.ts";
import { makeStateDirectories, type StateDirectories } from "../../../../nodes/drivers/guest-directory.ts";
import { systemIds } from "../../../../nodes/process/clock.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";

describe("names in the directories of guests and images", () => {
  let place: TemporaryDirectory;
  let directories: StateDirectories;
  beforeEach(async () => {
    place = await temporaryDirectory();
    directories = makeStateDirectories(join(place.path, "state"));
  });
  afterEach(() => place.remove());

  const put = async (...names: readonly string[]) => {
    for (const directory of [directories.guests, directories.images])
      for (const name of names) {
        if (name.startsWith(".nfs") || name === ".DS_Store") await writeFile(join(directory, name), "");
        else await mkdir(join(directory, name));
      }
  };
  const listed = async () =>
    (await new FileDisks(directories, place.path).list()).map((one) => one.instanceId);

  it("that a mount point or a desktop has of its own are no guest's, and nothing to report", async () => {
    await put("lost+found", ".snapshot", ".zfs", "System Volume Information", ".nfs0000000000012f6a00000001");
    await put(".DS_Store", ".Trash-1000");
    expect(await foreignNames(directories)).to.deep.equal([]);
    expect(await listed()).to.deep.equal([]);
  });

  it("that somebody has made are reported once each, and are no guest's either", async () => {
    await put("backup", "notes.txt", "0b5d7f3e-not-an-id");
    expect([...(await foreignNames(directories))].sort()).to.deep.equal([
      "guests/0b5d7f3e-not-an-id belongs to no instance.",
      "guests/backup belongs to no instance.",
      "guests/notes.txt belongs to no instance.",
      "images/0b5d7f3e-not-an-id is no image.",
      "images/backup is no image.",
      "images/notes.txt is no image.",
    ]);
    expect(await listed()).to.deep.equal([]);
  });

  it("that are ours are what they are", async () => {
    const id = systemIds(0).next();
    await mkdir(join(directories.guests, id));
    await writeFile(join(directories.images, "a".repeat(64)), "");
    await writeFile(join(directories.images, `${"a".repeat(64)}.1-aa.tmp`), "");
    expect(await foreignNames(directories)).to.deep.equal([]);
    expect(await listed()).to.deep.equal([id]);
  });
});
