/** Which volumes guests have open, by the names of their open files. */
import { expect } from "chai";
import { lookAtVolumes } from "../../../nodes/chaos/volume-looks.ts";

const guest = (pid: number, state = "S") => ({
  ...{ hostId: "h", instanceId: `i${pid}`, ownerEpoch: 1 },
  process: { pid, state, startTicks: 1, executable: "", cwd: "", argv: [], uids: [] },
});
const files: Readonly<Record<number, readonly string[]>> = {
  1: ["/s/volumes/v/e3/data.raw", "/s/volumes/v/e3/data.raw", "/s/volumes/w/e1/open.1.i1.1.h", "socket:[1]"],
  2: ["/s/volumes/v/r3/data.raw"],
  3: ["/s/volumes/x/e1/data.raw"],
};

describe("chaos: a look at volumes", () => {
  it("sees what is open, also under another name, and nothing of a guest that is stopped", async () => {
    const guests = [guest(1), guest(2), guest(3, "T"), guest(4)];
    const { open } = await lookAtVolumes(guests, async (pid) => files[pid] ?? []);
    expect(open).to.deep.equal([
      { hostId: "h", instanceId: "i1", pid: 1, volumeId: "v" },
      { hostId: "h", instanceId: "i2", pid: 2, volumeId: "v" },
    ]);
  });

  it("asks the kernel, and takes a process that has ended for one without files", async () => {
    expect((await lookAtVolumes([guest(process.pid), guest(2 ** 22 + 1)])).open).to.deep.equal([]);
  });
});
