/** The image cache of a host as cluster.yaml has it: its usual bounds, and what the doctor is told of it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { cacheBounds, imageSourceOf } from "../../../../nodes/drivers/files/image-cache.ts";
import { filesDisks } from "../../../../nodes/drivers/files/index.ts";
import { systemClock, systemIds } from "../../../../nodes/process/clock.ts";
import { silentLog, temporaryDirectory } from "../../../support/driver-world.ts";

const [mib, gib] = [1024 ** 2, 1024 ** 3];

describe("the image cache of a host", () => {
  it("takes half of its file system at most, and leaves a fiftieth and at most 2 GiB free", () => {
    expect(cacheBounds({}, 50 * gib)).to.deep.equal({ cacheBytesMax: 25 * gib, freeBytesMin: gib });
    expect(cacheBounds({}, 1_000 * gib).freeBytesMin).to.equal(2 * gib);
    // Never less than what makes a file system a full one.
    expect(cacheBounds({}, gib).freeBytesMin).to.equal(128 * mib);
    const said = cacheBounds({ imageCacheMib: 3, imageCacheFreeMib: 5 }, gib);
    expect(said).to.deep.equal({ cacheBytesMax: 3 * mib, freeBytesMin: 5 * mib });
  });

  it("gets images from the directory, from controllers where it has not got them, or from these alone", () => {
    const context = { imageStore: "/store", clock: systemClock };
    expect(imageSourceOf(context, {})).to.equal("/store");
    const imageOrigins = async () => [];
    expect(imageSourceOf({ ...context, imageOrigins }, {})).to.have.property("store", "/store");
    const alone = imageSourceOf({ ...context, imageOrigins }, { imagesOverNetwork: true });
    expect(alone).to.have.property("store", undefined);
  });

  it("tells what it takes, and which disks have lost what is below them", async () => {
    const place = await temporaryDirectory();
    const at = (...parts: string[]) => join(place.path, ...parts);
    const ids = systemIds(0);
    try {
      const part = filesDisks.open(
        {
          ...{ hostId: "h", hostName: "h", stateDirectory: place.path, computerDirectory: place.path },
          ...{ imageStore: at("store"), clock: systemClock, ids, log: silentLog },
        },
        { imageCacheMib: 7 },
      );
      const [kept, lost] = ["a", "b"].map((digit) => digit.repeat(64));
      await writeFile(at("images", kept ?? ""), Buffer.alloc(64 * 1024, 1));
      const [whole, broken] = [ids.next(), ids.next()];
      await overlay(at("guests", whole), kept ?? "");
      await overlay(at("guests", broken), lost ?? "");
      await overlay(at("guests", "lost+found"), lost ?? "");
      const audit = await part.imageCache?.();
      expect(audit?.baseless).to.deep.equal([{ instanceId: broken, sha256: lost }]);
      expect(audit?.takenBytes).to.be.within(64 * 1024, mib);
      expect(audit?.cacheBytesMax).to.equal(7 * mib);
      expect(await part.disks.tidy?.()).to.equal(true);
    } finally {
      await place.remove();
    }
  });
});

async function overlay(directory: string, base: string): Promise<void> {
  await mkdir(directory);
  const name = `../../images/${base}`;
  const head = Buffer.alloc(1_024);
  head.write("QFI\xfb", "latin1");
  head.writeBigUInt64BE(512n, 8);
  head.writeUInt32BE(name.length, 16);
  head.write(name, 512);
  await writeFile(join(directory, "disk.qcow2"), head);
}
