/** Who is taken for a guest: by value, and with processes of another user that look like one. */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeStateDirectories } from "../../../nodes/drivers/guest-directory.ts";
import { guestUser } from "../../../nodes/drivers/guest-user.ts";
import { parseUids } from "../../../nodes/drivers/process-stat.ts";
import { GuardScan } from "../../../nodes/drivers/qemu/guard-scan.ts";
import { isGuestOwned } from "../../../nodes/drivers/qemu/guest-owner.ts";
import { findGuests } from "../../../nodes/drivers/qemu/guest-process.ts";
import { temporaryDirectory } from "../../support/driver-world.ts";
import { Impostors, missingForImpostors } from "../../support/impostors.ts";
import { skip } from "../../support/services.ts";

const instanceId = "8f6c2f9e-3a59-4c5e-9a63-0d9f3f2c7a11";

describe("the owner of a guest's process", () => {
  const qemu = "qemu-system-x86_64";
  const guest = { user: { uid: 1_900_000_001, gid: 1_900_000_001 }, uid: 0 };
  const same = (uid: number) => [uid, uid, uid, uid];
  const cases = [
    { program: qemu, uids: same(1_900_000_001), owns: true, who: "QEMU as the guest's user" },
    { program: qemu, uids: same(0), owns: false, who: "QEMU as root" },
    { program: qemu, uids: same(65_534), owns: false, who: "QEMU as somebody else" },
    { program: qemu, uids: same(1_900_000_002), owns: false, who: "QEMU as another guest's user" },
    { program: "setpriv", uids: same(0), owns: true, who: "a launcher that is still root" },
    { program: "nsenter", uids: same(0), owns: true, who: "a launcher that is still root" },
    {
      program: "setpriv",
      uids: same(1_900_000_001),
      owns: true,
      who: "a launcher that has changed its user",
    },
    { program: "setpriv", uids: same(65_534), owns: false, who: "a launcher of somebody else" },
    { program: "su", uids: [65_534, 0, 0, 0], owns: false, who: "a program that lends root to somebody" },
    { program: "setpriv", uids: [65_534, 0, 0, 0], owns: false, who: "a launcher that lends root" },
    { program: "perl", uids: same(1_900_000_001), owns: false, who: "another program" },
    { program: qemu, uids: [], owns: false, who: "a process that has ended" },
  ];
  for (const { program, uids, owns, who } of cases)
    it(`${owns ? "accepts" : "refuses"} ${who}: ${program} as ${uids.join(" ") || "nobody known"}`, () => {
      expect(isGuestOwned(instanceId, { program, uids }, guest)).to.equal(owns);
    });

  it("is the agent's own user where the agent is not root", () => {
    const own = { user: undefined, uid: 1_000 };
    expect(isGuestOwned(instanceId, { program: qemu, uids: same(1_000) }, own)).to.equal(true);
    expect(isGuestOwned(instanceId, { program: "setpriv", uids: same(1_000) }, own)).to.equal(true);
    expect(isGuestOwned(instanceId, { program: qemu, uids: same(1_001) }, own)).to.equal(false);
    expect(isGuestOwned(instanceId, { program: "setpriv", uids: same(0) }, own)).to.equal(false);
  });

  it("is read from the four users of a process", () => {
    const status = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n";
    expect(parseUids(status)).to.deep.equal([1, 2, 3, 4]);
    expect(parseUids("")).to.deep.equal([]);
  });
});

describe("a process of another user that looks like a guest", () => {
  let impostors: Impostors;
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async function () {
    const missing = missingForImpostors();
    if (missing !== undefined) skip(this, missing);
    place = await temporaryDirectory();
    impostors = new Impostors();
  });
  after(async () => {
    await impostors?.close();
    await place?.remove();
  });

  it("is none for the agent, the doctor and the guard, whatever it tries", async () => {
    const directories = makeStateDirectories(join(place.path, "node"));
    const directory = join(directories.guests, instanceId);
    mkdirSync(directory, { mode: 0o711 });
    const look = { instanceId, directory };
    await impostors.start({ ...look, ownerEpoch: 1 });
    await impostors.start({ ...look, ownerEpoch: 99, program: "setpriv" });
    const undumpable = await impostors.start({ ...look, ownerEpoch: 99, undumpable: true });
    await impostors.start({ ...look, ownerEpoch: 1, program: "setpriv", undumpable: true });
    expect(statSync(`/proc/${undumpable}/stat`).uid, "its files in /proc are root's").to.equal(0);
    expect(await findGuests(directories)).to.deep.equal([]);
    expect(await new GuardScan(directories.guests).find()).to.deep.equal([]);
    const { uid = 0 } = guestUser(instanceId) ?? {};
    const pid = await impostors.start({ ...look, ownerEpoch: 7, uid });
    expect((await findGuests(directories)).map((found) => found.pid)).to.deep.equal([pid]);
    expect((await new GuardScan(directories.guests).find()).map((found) => found.pid)).to.deep.equal([pid]);
  });
});
