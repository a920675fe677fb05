/** Bytes of disks and images: holes not counted, links not followed, and measured in the background. */
import { chmod, mkdir, mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { allocatedBy, allocatedIn, useOf } from "../../../nodes/drivers/disk-use.ts";
import { FileDisks } from "../../../nodes/drivers/disks-file.ts";
import { makeStateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { driverLimits } from "../../../nodes/drivers/limits.ts";
import { SharedStorage } from "../../../nodes/drivers/shared-storage/storage.ts";
import { systemIds } from "../../../nodes/process/clock.ts";
import type { SpaceUse } from "../../../nodes/process/disk-space.ts";

const mib = 1024 * 1024;

describe("what files of a host take", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "novact-use-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  it("is what is written of them: a hole takes nothing, nor does a link, a directory or what is missing", async () => {
    const sparse = join(root, "sparse");
    const file = await open(sparse, "w");
    await file.write(Buffer.alloc(mib, 1), 0, mib, 0);
    await file.truncate(1_024 * mib);
    await file.sync();
    await file.close();
    await writeFile(join(root, "other"), Buffer.alloc(mib, 1), { flush: true });
    await symlink(sparse, join(root, "link"));
    await mkdir(join(root, "directory"));
    expect(await allocatedBy([sparse, join(root, "missing")])).to.be.within(mib, 2 * mib);
    expect(await allocatedIn(root)).to.be.within(2 * mib, 4 * mib);
  });

  it("names the disks of the host's guests, also those on a storage that hosts share", async () => {
    // Guests have users of their own, where root makes the directories.
    await chmod(root, 0o755);
    const directories = makeStateDirectories(join(root, "state"));
    const shared = new SharedStorage(join(root, "shared"), systemIds(0));
    const disks = new FileDisks(directories, root, { shared });
    const [own, there] = [systemIds(0).next(), systemIds(0).next()];
    for (const id of [own, there, "lost+found"]) await mkdir(join(directories.guests, id));
    await writeFile(join(directories.guests, there, "epoch"), "3");
    const all = (of: string) => ["disk.qcow2", "ephemeral.raw", "swap.raw"].map((name) => join(of, name));
    expect(await disks.diskPaths()).to.deep.equal({
      own: [own, there].flatMap((id) => all(join(directories.guests, id))),
      shared: all(join(shared.root, "guests", `${there}.e3`)),
    });
  });

  it("is told at once, and measured again only when that is due and the last one has ended", async () => {
    let nowMs = 0;
    let asked = 0;
    let done = Promise.withResolvers<SpaceUse>();
    const measure = () => {
      asked += 1;
      return done.promise;
    };
    const use = useOf([measure], { monotonicMs: () => nowMs });
    expect([use(), use(), asked]).to.deep.equal([{}, {}, 1]);
    nowMs = 10 * driverLimits.usePeriodMs;
    expect([use(), asked], "it hangs").to.deep.equal([{}, 1]);
    done.resolve({ imagesBytes: 5 });
    await new Promise(setImmediate);
    done = Promise.withResolvers();
    expect([use(), asked]).to.deep.equal([{ imagesBytes: 5 }, 2]);
    done.reject(new Error("It is gone."));
    await new Promise(setImmediate);
    expect([use(), asked], "not yet again").to.deep.equal([{ imagesBytes: 5 }, 2]);
  });
});
