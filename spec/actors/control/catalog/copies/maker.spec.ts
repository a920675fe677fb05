/** How images of instances are brought to their ends, look by look, with a scripted host. */
import { expect } from "chai";
import { ImageMaker } from "../../../../../actors/control/catalog/copies/maker.ts";
import { imageOperation } from "../../../../../actors/control/catalog/copies/operation.ts";
import { catalogLimits } from "../../../../../actors/control/catalog/limits.ts";
import type { UploadStatus } from "../../../../../actors/ports/image-uploads.ts";
import type { Commit } from "../../../../../actors/records/commit.ts";
import type { OperationRecord } from "../../../../../actors/records/instance.ts";
import type { DiskCopy } from "../../../../../protocol/host-images.ts";
import type { Refusal } from "../../../../../protocol/image-bytes.ts";
import { StatusError } from "../../../../../protocol/wire/status.ts";
import { silentLog } from "../../../../support/silent-log.ts";
import { instance } from "../../../../support/store-rows.ts";

const sha256 = "a".repeat(64);
const whole = { doneBytes: 1, totalBytes: 1, sizeBytes: 800, sha256 };

/** A controller `one` with one image of the instance `i1` on the host `h1`. */
function world() {
  const begun = { id: "o1", imageId: "m1", project: "demo", requestId: "r1", sizeBytes: 1, nowMs: 0 };
  const now = { ms: 0 };
  const it = {
    operation: imageOperation(begun) as OperationRecord,
    row: {
      id: "m1",
      name: "mine",
      state: "saving",
      holder: "one",
      sizeBytes: 1_000,
      refusal: null as Refusal | null,
    },
    nextOffset: 0,
    copy: { state: "copying", doneBytes: 5, totalBytes: 10 } as DiskCopy | StatusError,
    asked: [] as string[],
    events: [] as NonNullable<Commit["events"]>[number][],
  };
  const from = { instanceId: "i1", hostId: "h1", ownerEpoch: 3, untilMs: 100 };
  const status = (): UploadStatus => ({
    ...{ uploadId: "m1", imageId: "m1", project: "demo", from, nextOffset: it.nextOffset },
    ...{ writtenAtMs: 0, sealed: null },
  });
  const running = () =>
    it.operation.state === "running" ? [{ operation: it.operation, instanceName: null }] : [];
  const placed = instance("i1", { hostId: "h1", ownerEpoch: 3, desired: "running" });
  const maker = new ImageMaker({
    store: {
      operations: { list: async () => ({ rows: running() }) },
      instances: { get: async () => ({ instance: placed, machine: undefined }) },
      rows: { called: (async () => [it.row]) as never },
    } as never,
    commit: async ({ operations: [operation] = [], events = [] }) => {
      if (operation !== undefined) it.operation = operation;
      it.events.push(...events);
      return { kind: "committed" } as never;
    },
    clock: { nowMs: () => now.ms, monotonicMs: () => now.ms } as never,
    door: { server: "one", uploads: { status: async () => status() } },
    desk: {
      upload: async (_id, sizeBytes) => {
        it.asked.push(`upload ${sizeBytes}`);
        const ticket = { url: "http://x", ticket: "t", expiresAtMs: 1, uploadId: "m1", chunkBytesMax: 1 };
        return { ...ticket, nextOffset: it.nextOffset };
      },
      complete: async (_id, said) => {
        it.asked.push(`complete ${said.sizeBytes} ${said.format}`);
        it.row.state = "importing";
      },
      abandon: async (_id, { reason }) => void it.asked.push(`abandon ${reason}`),
    },
    hostAgent: (hostId) => ({
      copyDisk: async ({ upload }) => {
        it.asked.push(`${hostId} copies${upload === undefined ? "" : ` from ${upload.nextOffset}`}`);
        if (it.copy instanceof StatusError) throw it.copy;
        return it.copy;
      },
      endCopy: async () => {
        it.asked.push(`${hostId} ends`);
        return {};
      },
    }),
    log: silentLog,
  });
  /** The questions of one look. */
  const look = async (): Promise<readonly string[]> => {
    it.asked = [];
    await maker.round();
    return it.asked;
  };
  return { it, now, look };
}

describe("an image of an instance, look by look", () => {
  it("is copied, sent, verified and active", async () => {
    const { it: all, look } = world();
    expect(await look()).to.deep.equal(["h1 copies"]);
    expect(all.operation).to.include({ step: "copying", percent: 25 });
    all.copy = { ...whole, state: "ready" };
    expect(await look()).to.deep.equal(["h1 copies", "upload 800", "h1 copies from 0"]);
    expect(all.operation.step).to.equal("sending");
    [all.nextOffset, all.copy] = [400, { ...whole, state: "sending" }];
    expect(await look()).to.deep.equal(["h1 copies"]);
    // It was cut off, and goes on.
    all.copy = { ...whole, state: "ready" };
    expect(await look()).to.deep.equal(["h1 copies", "upload 800", "h1 copies from 400"]);
    all.nextOffset = 800;
    expect(await look()).to.deep.equal(["h1 copies", "complete 800 qcow2", "h1 ends"]);
    expect(all.operation).to.include({ step: "verifying", state: "running" });
    expect(await look()).to.deep.equal([]);
    all.row.state = "active";
    await look();
    expect(all.operation).to.include({ state: "done", percent: 100, error: null });
    expect(all.events.map(({ event, body }) => [event, body.state])).to.deep.equal([
      ["operationEnded", "done"],
    ]);
    expect(await look()).to.deep.equal([]);
  });

  it("is given up with what the host says, the row before the operation", async () => {
    const { it: all, look } = world();
    const failure = { reason: "diskFull", message: "Full." };
    all.copy = { state: "failed", doneBytes: 0, totalBytes: 0, failure };
    expect(await look()).to.deep.equal(["h1 copies", "abandon diskFull", "h1 ends"]);
    expect(all.operation.error).to.include({ reason: "diskFull", message: "Full." });
    expect(all.events.map(({ body }) => body.state)).to.deep.equal(["failed"]);
  });

  it("waits for a host that is silent, and not for ever", async () => {
    const { it: all, now, look } = world();
    all.copy = new StatusError("noResponders", "Nobody.");
    expect(await look()).to.deep.equal(["h1 copies"]);
    now.ms = catalogLimits.copyHostSilentMsMax;
    expect(await look()).to.deep.equal(["h1 copies"]);
    expect(all.operation.state).to.equal("running");
    now.ms += 1;
    expect(await look()).to.deep.equal(["h1 copies", "abandon copyLost", "h1 ends"]);
    expect(all.operation).to.include({ state: "failed" });
  });

  it("counts the silence of a host from its last word on", async () => {
    const { it: all, now, look } = world();
    const silence = new StatusError("noResponders", "Nobody.");
    all.copy = silence;
    await look();
    all.copy = { ...whole, state: "sending" };
    await look();
    [all.copy, now.ms] = [silence, catalogLimits.copyHostSilentMsMax + 1];
    expect(await look()).to.deep.equal(["h1 copies"]);
    expect(all.operation.state).to.equal("running");
  });

  it("is not given up as silent by a host that answers that it has too much to copy", async () => {
    const { it: all, now, look } = world();
    all.copy = new StatusError("tooManyRequests", "The host has more disks to copy than it takes on.");
    for (let time = 0; time < 3; time += 1) {
      expect(await look()).to.deep.equal(["h1 copies"]);
      now.ms += catalogLimits.copyHostSilentMsMax;
    }
    expect(all.operation.state).to.equal("running");
  });

  it("ends with what its row says, when the row has ended before it", async () => {
    const { it: all, look } = world();
    all.row.state = "queued";
    all.row.refusal = { reason: "unusableImage", message: "No." };
    expect(await look()).to.deep.equal(["h1 ends"]);
    expect(all.operation.error).to.include({ reason: "unusableImage" });
  });
});
