/** The copy of a living guest's root disk, by what QEMU says of its jobs. */
import { expect } from "chai";
import { QmpRefusal, QmpSilence } from "../../../nodes/drivers/qemu/qmp.ts";
import { beginning, copyJobIn, copyRoot, type OnGuest } from "../../../nodes/drivers/qemu/root-copy.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { silentLog } from "../../support/driver-world.ts";

const job = (status: string, more: object = {}) => [
  { id: "another", status: "running", "current-progress": 1, "total-progress": 2 },
  { id: "copy", status, "current-progress": 5, "total-progress": 10, ...more },
];

describe("the copy of a root disk in QEMU", () => {
  it("is known by its job alone", () => {
    expect(copyJobIn([])).to.deep.equal({ kind: "none" });
    expect(copyJobIn("?")).to.deep.equal({ kind: "none" });
    expect(copyJobIn(job("null"))).to.deep.equal({ kind: "none" });
    expect(copyJobIn(job("running"))).to.deep.equal({ kind: "running", doneBytes: 5, totalBytes: 10 });
    expect(copyJobIn(job("concluded"))).to.deep.equal({ kind: "done" });
    expect(copyJobIn(job("concluded", { error: "E/A" }))).to.deep.equal({ kind: "failed", why: "E/A" });
  });

  it("is made below the guest's directory, slowly, of all that the disk has", () => {
    const [[add, node], [backup, data]] = beginning({ path: "/g/i1/copy.part", bytesPerSecond: 7 }, "/g/i1");
    expect([add, backup]).to.deep.equal(["blockdev-add", "blockdev-backup"]);
    expect(node.file).to.include({ filename: "copy.part", locking: "on" });
    expect(data).to.include({ device: "root", target: "copy", sync: "full", speed: 7 });
  });

  /** QEMU with a job that somebody has left, which ends when it is cancelled and dismissed. */
  const qemu = (ends: object, lastly?: Error) => {
    const asked: string[] = [];
    let state = "running";
    let begun = false;
    const execute = async (command: string) => {
      asked.push(command);
      if (command === "query-jobs") {
        const found = state === "none" ? [] : job(state, begun ? ends : {});
        if (begun && state === "running") state = "concluded";
        return found;
      }
      if (command === "job-cancel") state = "concluded";
      if (command === "job-dismiss" && begun && lastly !== undefined) throw lastly;
      if (command === "job-dismiss") state = "none";
      if (command === "blockdev-backup") [state, begun] = ["running", true];
      if (command === "blockdev-del" && !begun) throw new QmpRefusal(command, "GenericError", "No node.");
      return {};
    };
    const onGuest: OnGuest = (signal, work) =>
      work({ qmp: { execute }, instanceId: "i1", signal, directory: "/g/i1" });
    const copy = { path: "/g/i1/copy.part", bytesPerSecond: 7, clock: systemClock, log: silentLog, onGuest };
    const told: number[] = [];
    const onProgress = (done: number) => told.push(done);
    const signal = new AbortController().signal;
    return { asked, told, copied: copyRoot({ ...copy, onProgress, signal }) };
  };

  it("takes away what an agent that died has left, and closes its file at its end", async () => {
    const { asked, told, copied } = qemu({});
    await copied;
    const deeds = asked.filter((command) => command !== "query-jobs");
    expect(deeds).to.deep.equal([
      ...["job-cancel", "job-dismiss", "blockdev-del"],
      ...["blockdev-add", "blockdev-backup", "job-dismiss", "blockdev-del"],
    ]);
    expect(told).to.deep.equal([5]);
  });

  it("fails when its file cannot be closed; what ended it before is told first", async () => {
    const silence = new QmpSilence("QEMU did not answer job-dismiss in time.");
    expect(await qemu({}, silence).copied.catch((thrown: unknown) => thrown)).to.equal(silence);
    const failed = await qemu({ error: "No space left on device" }, silence).copied.catch((thrown) => thrown);
    expect(failed).to.include({ reason: "diskFull" });
  });

  it("fails with a reason when its job does", async () => {
    const reasonOf = (error: string) =>
      qemu({ error }).copied.then(
        () => "none",
        (thrown: { readonly reason: string }) => thrown.reason,
      );
    expect(await reasonOf("No space left on device")).to.equal("diskFull");
    expect(await reasonOf("Input/output error")).to.equal("copyLost");
  });
});
