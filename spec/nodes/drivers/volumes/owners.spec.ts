/**
 * Whose the file of a volume is, and who may open it: by real files, where guests have users of their own.
 */
import { chmodSync, linkSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { guestUser } from "../../../../nodes/drivers/guest-user.ts";
import { VolumeDirectory } from "../../../../nodes/drivers/volumes/directory.ts";
import { systemIds } from "../../../../nodes/process/clock.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../../support/driver-world.ts";
import { skip } from "../../../support/services.ts";

describe("the file of a volume", () => {
  let place: TemporaryDirectory;
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "not root: guests have no users of their own");
  });
  beforeEach(async () => {
    place = await temporaryDirectory();
    for (const name of ["volumes", "open"]) mkdirSync(join(place.path, name));
  });
  afterEach(() => place.remove());

  it("is its guest's alone while the guest has it, whatever the guest before has done with it", () => {
    const directory = new VolumeDirectory(place.path, 1_000);
    const [volumeId, one, other] = Array.from({ length: 3 }, () => systemIds(0).next());
    if (volumeId === undefined || one === undefined || other === undefined)
      throw new Error("There are three.");
    const made = directory.begin("h", { volumeId, epoch: 1, sizeBytes: 1_024 });
    directory.finish(made?.part ?? "", { volumeId, epoch: 1, sizeBytes: 1_024 });
    const use = (instanceId: string, epoch: number) => {
      return { epoch, instanceId, ownerEpoch: 1, takesOver: epoch > 1, mode: "readWrite" as const };
    };
    const path = directory.open(volumeId, use(one, 1), "h");
    // As a process that has broken out of its guest, and is the file's owner.
    chmodSync(path, 0o666);
    const second = join(place.path, "second");
    linkSync(path, second);
    const [held] = directory.uses("h");
    directory.release("h", { instanceId: one, what: held?.what ?? "" });
    const seen = () => [statSync(second).uid, statSync(second).mode & 0o777];
    expect(seen(), "nobody has it").to.deep.equal([0, 0o600]);
    chmodSync(second, 0o666);
    directory.open(volumeId, use(other, 2), "h");
    expect(seen(), "another guest's").to.deep.equal([guestUser(other)?.uid, 0o600]);
  });
});
