/** When a file system is full, when it has room again, and who hears of it. */

import { expect } from "chai";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import { SpaceWatch } from "../../../actors/runtime/space-watch.ts";
import { spaceLimits } from "../../../protocol/limits/space.ts";
import { type FileSystemSpace, fullSentence, spaceOf } from "../../../protocol/space.ts";
import { actorWorld } from "../../support/actor-world.ts";
import { silentLog } from "../../support/driver-world.ts";

const mib = 1024 * 1024;
const found = (freeMib: number, totalMib = 100_000): FileSystemSpace => ({
  of: "state directory",
  freeBytes: freeMib * mib,
  totalBytes: totalMib * mib,
});

describe("room on a file system", () => {
  it("is short below a fixed size, or below a share of a small file system", () => {
    const limitMib = spaceLimits.fullBelowBytes / mib;
    expect([found(limitMib - 1), found(limitMib)].map((one) => spaceOf(one, false).full)).to.deep.equal([
      true,
      false,
    ]);
    expect([found(11, 96), found(12, 96)].map((one) => spaceOf(one, false).full)).to.deep.equal([
      true,
      false,
    ]);
  });

  it("is there again only when a little more is free", () => {
    expect([12, 14, 15].map((freeMib) => spaceOf(found(freeMib, 96), true).full)).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  it("is told with what takes it, and with whether new disks lie there, where that is known", () => {
    expect(Object.keys(spaceOf(found(500), false))).to.deep.equal(["of", "freeMib", "totalMib", "full"]);
    const more = { disks: true, allocatedBytes: 3 * mib, imagesBytes: mib + 1, silentMs: 7 };
    expect(spaceOf({ ...found(500), ...more }, false)).to.deep.include({
      ...{ disks: true, allocatedMib: 3, imagesMib: 2, silentMs: 7 },
    });
  });

  it("is told in words", () => {
    expect(fullSentence(spaceOf(found(3, 96), false))).to.equal(
      "the file system of the state directory is full (3 of 96 MiB are free)",
    );
  });

  it("is watched, and each change is told once", async () => {
    const { clock, system, end } = actorWorld();
    const told: [string, boolean][] = [];
    let free: readonly FileSystemSpace[] = [found(500)];
    const watch = new SpaceWatch({
      space: { look: async () => free },
      system,
      log: silentLog,
      changed: ({ of, full }) => told.push([of, full]),
    });
    void watch.start();
    await clock.settle();
    expect([watch.full, watch.spaces.length]).to.deep.equal([undefined, 1]);
    for (const freeMib of [0, 1, 140, 500, 600]) {
      free = [found(freeMib)];
      await clock.advance(actorLimits.spaceLookPeriodMs);
    }
    expect(told).to.deep.equal([
      ["state directory", true],
      ["state directory", false],
    ]);
    free = [found(0)];
    await clock.advance(actorLimits.spaceLookPeriodMs);
    expect(watch.full).to.include({ freeMib: 0, full: true });
    // A file system that does not answer is not judged.
    free = [];
    await clock.advance(actorLimits.spaceLookPeriodMs);
    expect(watch.full).to.equal(undefined);
    await watch.stop();
    await end();
  });

  it("is not judged by a look of long ago, when none ends any more", async () => {
    const { clock, system, end } = actorWorld();
    let broken = false;
    const look = async () => {
      if (broken) throw new Error("It does not answer.");
      return [found(0)];
    };
    const watch = new SpaceWatch({ space: { look }, system, log: silentLog });
    void watch.start();
    await clock.settle();
    broken = true;
    await clock.advance(actorLimits.spaceOldMs);
    expect(watch.full).to.include({ full: true });
    await clock.advance(1);
    expect([watch.full, watch.spaces]).to.deep.equal([undefined, []]);
    await watch.stop();
    await end();
  });
});
