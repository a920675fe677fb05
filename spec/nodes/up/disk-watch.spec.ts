/** What `up` does about a full disk: it says so, gives its reserve up, and makes the reserve anew. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { systemClock } from "../../../nodes/process/clock.ts";
import { spaceNames } from "../../../nodes/process/disk-space.ts";
import { requireRoom, watchDisks } from "../../../nodes/up/disk-watch.ts";
import { upLimits } from "../../../nodes/up/limits.ts";
import { Reserve } from "../../../nodes/up/reserve.ts";
import { ServerStartError } from "../../../nodes/up/server-process.ts";
import { mountSmall } from "../../support/small-file-system.ts";

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe("the reserve on the disk of a cluster", () => {
  it("is made once, given up once, and left out where there is no room", function () {
    const directory = mkdtempSync(join(tmpdir(), "novact-reserve-"));
    const reserve = new Reserve(join(directory, "reserve"));
    expect([reserve.whole, reserve.giveUp()]).to.deep.equal([false, false]);
    reserve.make();
    expect(reserve.whole).to.equal(true);
    expect(statSync(join(directory, "reserve")).blocks * 512).to.be.at.least(upLimits.reserveBytes);
    expect([reserve.giveUp(), reserve.giveUp(), reserve.whole]).to.deep.equal([true, false, false]);
    rmSync(directory, { recursive: true });
    const disk = mountSmall(this, 8);
    const little = new Reserve(join(disk.path, "reserve"));
    little.make();
    expect([little.whole, little.giveUp()]).to.deep.equal([false, false]);
    disk.remove();
  });

  it("goes to a later start without room, and a first start without room is refused in words", async function () {
    const disk = mountSmall(this, 48);
    const reserve = new Reserve(join(disk.path, "reserve"));
    const refused = await requireRoom(disk.path, { first: true, reserve }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(ServerStartError);
    expect((refused as Error).message).to.match(/: 48 MiB are free there, a first start needs [0-9]+ MiB/);
    reserve.make();
    await requireRoom(disk.path, { first: false, reserve });
    expect(reserve.whole).to.equal(true);
    disk.fill();
    await requireRoom(disk.path, { first: false, reserve });
    expect(reserve.whole).to.equal(false);
    disk.remove();
  });

  it("is given up when the disk is full, which the screen says, and made anew when there is room", async function () {
    this.timeout(30_000);
    const disk = mountSmall(this, 256);
    const reserve = new Reserve(join(disk.path, "reserve"));
    const said: string[] = [];
    let [made, mended] = [0, 0];
    const stop = watchDisks({
      stateDirectory: disk.path,
      others: [{ of: spaceNames.shared, path: join(disk.path, "on-the-same-one") }],
      reserve,
      onFull: async () => {
        made += 1;
      },
      onRoom: async () => {
        mended += 1;
      },
      say: (text) => said.push(text),
      clock: systemClock,
    });
    try {
      expect(reserve.whole).to.equal(true);
      disk.fill();
      await until(() => !reserve.whole && made === 1);
      expect(said.join("\n")).to.match(/the reserve on the full disk is given up/);
      expect(said.join("\n")).to.match(/the state directory is full \([0-9]+ of 256 MiB are free\): no new/);
      disk.free();
      await until(() => reserve.whole);
      expect(said.at(-1)).to.match(/the state directory has room again: [0-9]+ of 256 MiB are free/);
      expect(said).to.have.length(3);
      expect([made, mended]).to.deep.equal([1, 1]);
    } finally {
      stop();
      disk.remove();
    }
  });
});
