/** Guests that are not started, because something is missing that they are to have: by value. */
import { expect } from "chai";
import { refuseIncomplete } from "../../../nodes/drivers/incomplete.ts";
import { machineSpec } from "../../support/driver-world.ts";

describe("a guest that is to be started", () => {
  const paths = { directory: "/guests/i", disk: undefined, kernel: undefined, ramdisk: undefined };

  it("has the local disks of its flavor, or is refused", () => {
    const spec = machineSpec({ ephemeralGib: 1, swapMib: 64 });
    expect(() => refuseIncomplete(machineSpec(), paths)).not.to.throw();
    expect(() => refuseIncomplete(spec, paths)).to.throw(/No ephemeral disk was made/);
    expect(() => refuseIncomplete(spec, { ...paths, ephemeral: "/e" })).to.throw(/No swap disk was made/);
    expect(() => refuseIncomplete(spec, { ...paths, ephemeral: "/e", swap: "/s" })).not.to.throw();
  });
});
