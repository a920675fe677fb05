/** What the driver of QEMU's guests writes down for their guard, on a full disk. */
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { isDiskFull } from "../../../nodes/drivers/durable-file.ts";
import { readFence } from "../../../nodes/drivers/fence-record.ts";
import { makeStateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { recordFence } from "../../../nodes/drivers/qemu/starting.ts";
import { qemuHost } from "../../support/qemu-host.ts";
import { mountSmall, type SmallFileSystem } from "../../support/small-file-system.ts";

const fullOf = (write: () => void): boolean => {
  try {
    write();
    return false;
  } catch (error) {
    return isDiskFull(error);
  }
};

describe("the records for a guard on a full disk", () => {
  let disk: SmallFileSystem;
  beforeEach(function () {
    disk = mountSmall(this, 4);
  });
  afterEach(() => disk?.remove());

  it("keep no agent from its first start", async () => {
    makeStateDirectories(disk.path);
    disk.fill();
    const drivers = qemuHost({ stateDirectory: disk.path, imageStore: join(disk.path, "images") });
    await drivers.hypervisor.detach();
  });

  it("are refused as such, stay whole, and are not written again without need", async () => {
    const { guests } = makeStateDirectories(disk.path);
    const directory = join(guests, "i1");
    const tag = (ownerEpoch: number) => ({ instanceId: "i1", ownerEpoch, fence: true });
    const diskOf = (ownerEpoch: number) => join(disk.path, `i1.e${ownerEpoch}`, "disk");
    await mkdir(directory);
    recordFence(directory, tag(1), diskOf(1));
    disk.fill();
    expect(fullOf(() => recordFence(directory, tag(2), diskOf(2)))).to.equal(true);
    expect(await readFence(guests, tag(1))).to.deep.equal({ directory: dirname(diskOf(1)) });
    recordFence(directory, tag(1), diskOf(1));
    expect(await readdir(directory)).to.deep.equal(["fence.json"]);
    disk.free();
    recordFence(directory, tag(2), diskOf(2));
    expect(await readFence(guests, tag(2))).to.deep.equal({ directory: dirname(diskOf(2)) });
  });
});
