/**
 * The files of images: one contract for disk and memory, and the states that only a crash on a disk leaves.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { createImageFiles } from "../../../../nodes/drivers/images/files.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";
import { imageFilesContract } from "../../../support/image-files-contract.ts";
import { MemoryImageFiles } from "../../../support/memory-image-files.ts";

imageFilesContract("image files in memory", async () => {
  const files = new MemoryImageFiles({ nowMs: () => Date.now() });
  const kept = async () => (await files.list()).files.filter(({ aside }) => !aside);
  return {
    ...{ files, other: files, close: async () => undefined },
    give: async (content) => `/${content}`,
    readable: async (sha256) => (await kept()).some((file) => file.sha256 === sha256),
    leaveAside: async (sha256) => files.leaveAside(sha256),
  };
});

async function diskBench() {
  const place = await temporaryDirectory();
  const at = (...parts: string[]) => join(place.path, ...parts);
  await mkdir(at("allowed"));
  const options = { directory: at("store"), sources: [at("allowed")] };
  return {
    files: createImageFiles(options),
    other: createImageFiles(options),
    async give(content: string) {
      await writeFile(at("allowed", "file"), content);
      return at("allowed", "file");
    },
    async readable(sha256: string) {
      const content = await readFile(at("store", sha256)).catch(() => undefined);
      return content !== undefined && createHash("sha256").update(content).digest("hex") === sha256;
    },
    leaveAside: (sha256: string) => rename(at("store", sha256), at("store", `${sha256}.0123456789ab.aside`)),
    close: () => place.remove(),
  };
}

imageFilesContract("image files on a disk", diskBench);

describe("the directory of image files", () => {
  let place: TemporaryDirectory;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  it("is empty where no file was ever registered: the files are on another machine", async () => {
    const files = createImageFiles({ directory: join(place.path, "none"), sources: [] });
    const sha256 = "a".repeat(64);
    expect(await files.removeUnnamed([sha256], async () => new Set())).to.deep.equal([]);
    expect(await files.release("image-1")).to.deep.equal([]);
    expect(await files.list()).to.deep.equal({ files: [], holds: [] });
  });

  it("keeps what has a name that is none of ours", async () => {
    const directory = join(place.path, "store");
    const names = ["lost+found", `${"a".repeat(64)}.bak`, "README", `${"b".repeat(64)}.x.held.old`];
    await mkdir(directory);
    for (const name of names) await writeFile(join(directory, name), "mine");
    const files = createImageFiles({ directory, sources: [] });
    expect(await files.list()).to.deep.equal({ files: [], holds: [] });
    await files.removeUnnamed(["a".repeat(64), "b".repeat(64)], async () => new Set());
    await files.removeHalfCopies();
    expect(await readdir(directory)).to.have.members(names);
  });

  it("loses half copies that nobody has written to for as long as any registration may take", async () => {
    const directory = join(place.path, "store");
    await mkdir(directory);
    for (const name of ["old.tmp", "young.tmp"]) await writeFile(join(directory, name), "half");
    const longAgo = new Date(Date.now() - storageLimits.imageHoldMs - 60_000);
    await utimes(join(directory, "old.tmp"), longAgo, longAgo);
    await createImageFiles({ directory, sources: [] }).removeHalfCopies();
    expect(await readdir(directory)).to.deep.equal(["young.tmp"]);
  });

  it("takes no id of an image that would be a way out of it", async () => {
    const allowed = join(place.path, "allowed");
    await mkdir(allowed);
    const path = join(allowed, "file");
    await writeFile(path, "kernel");
    const files = createImageFiles({ directory: join(place.path, "store"), sources: [allowed] });
    const error = await files.registerPlain({ path }, "../../x").catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Error);
    expect(await readdir(join(place.path, "store"))).to.deep.equal([]);
  });
});
