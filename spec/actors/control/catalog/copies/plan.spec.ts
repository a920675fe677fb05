/** What is done for an image of an instance, by what row, upload, instance and host say. */
import { expect } from "chai";
import {
  afterAnswer,
  afterRefusal,
  look,
  type Seen,
} from "../../../../../actors/control/catalog/copies/plan.ts";
import { catalogLimits } from "../../../../../actors/control/catalog/limits.ts";
import type { UploadStatus } from "../../../../../actors/ports/image-uploads.ts";
import type { DiskCopy } from "../../../../../protocol/host-images.ts";
import { type ImageState, imageStates } from "../../../../../protocol/image.ts";
import { storageLimits } from "../../../../../protocol/limits/storage.ts";

const from = { instanceId: "i1", hostId: "h1", ownerEpoch: 3, untilMs: 100 };
const status: UploadStatus = {
  ...{ uploadId: "image", imageId: "image", project: "demo", from },
  ...{ nextOffset: 0, writtenAtMs: 1, sealed: null },
};
const row = (state: ImageState) => ({ state, holder: "one", sizeBytes: 1_000, refusal: null });
const seen: Seen = {
  ...{ operation: { deadlineAtMs: 100 }, row: row("saving"), status, server: "one", nowMs: 50 },
  instance: { id: "i1", hostId: "h1", ownerEpoch: 3, desired: "running" },
};
const reasonOf = (one: object): string | undefined =>
  "why" in one ? (one.why as { reason: string }).reason : undefined;

describe("an image that is made of an instance", () => {
  it("is asked of its host while its row waits for bytes", () => {
    expect(look(seen)).to.deep.equal({ kind: "ask", from });
    const kinds = imageStates.map((state) => look({ ...seen, row: row(state) }).kind);
    expect(kinds).to.deep.equal(["fail", "ask", "verifying", "done", "done"]);
  });

  it("ends with the reason that its row has, or that there is none", () => {
    const refusal = { reason: "quotaExceeded", message: "Too much." };
    const queued = { ...row("queued"), refusal };
    expect(look({ ...seen, row: queued })).to.deep.equal({ kind: "fail", why: refusal });
    expect(reasonOf(look({ ...seen, row: row("queued") }))).to.equal("uploadInterrupted");
    expect(reasonOf(look({ ...seen, row: undefined }))).to.equal("imageNotFound");
  });

  it("is given up when its instance is deleted, or has left the host", () => {
    const { instance } = seen;
    if (instance === undefined) throw new Error("There is an instance.");
    const others = [
      undefined,
      { ...instance, desired: "deleted" },
      { ...instance, hostId: "h2" },
      { ...instance, ownerEpoch: 4 },
      { ...instance, hostId: null },
    ] as const;
    for (const one of others) {
      const next = look({ ...seen, instance: one });
      expect([next.kind, reasonOf(next)]).to.deep.equal(["giveUp", "copyLost"]);
    }
  });

  it("is left to the controller that has its upload, but for its deadline", () => {
    expect(look({ ...seen, server: "two" }).kind).to.equal("nothing");
    expect(look({ ...seen, status: null }).kind).to.equal("nothing");
    const other = (nowMs: number) => look({ ...seen, server: "two", nowMs }).kind;
    // Whoever has the part gives it up; only where that controller stays away, another one says so.
    expect(other(101)).to.equal("nothing");
    expect(other(101 + storageLimits.uploadKeptMs)).to.equal("fail");
    expect(look({ ...seen, nowMs: 101 }).kind).to.equal("giveUp");
  });
});

const copy = (given: Partial<DiskCopy>): DiskCopy => ({
  ...{ state: "copying", doneBytes: 0, totalBytes: 0 },
  ...given,
});
const whole = { sizeBytes: 800, sha256: "a".repeat(64), doneBytes: 1, totalBytes: 1 };
const nextOf = (given: Partial<DiskCopy>, nextOffset = 0, sizeBytes: number | null = 1_000) =>
  afterAnswer({ copy: copy(given), row: { sizeBytes }, status: { nextOffset } });

describe("the copy of a disk", () => {
  it("is waited for while it is made", () => {
    const stage = (percent: number) => ({ kind: "wait", stage: { step: "copying", percent } });
    expect(nextOf({ state: "waiting" })).to.deep.equal(stage(0));
    expect(nextOf({ doneBytes: 5, totalBytes: 10 })).to.deep.equal(stage(25));
    expect(nextOf({ doneBytes: 50, totalBytes: 10 })).to.deep.equal(stage(50));
  });

  it("is told where to go when it is whole, and again when it was cut off", () => {
    expect(nextOf({ ...whole, state: "ready" })).to.include({ kind: "offer", sizeBytes: 800 });
    expect(nextOf({ ...whole, state: "ready" }, 400)).to.deep.equal({
      ...{ kind: "offer", sizeBytes: 800, stage: { step: "sending", percent: 70 } },
    });
    expect(nextOf({ ...whole, state: "sending" }, 400).kind).to.equal("wait");
  });

  it("is verified when all of it has come", () => {
    const said = { kind: "complete", sizeBytes: 800, sha256: whole.sha256 };
    for (const state of ["ready", "sending"] as const)
      expect(nextOf({ ...whole, state }, 800)).to.deep.equal(said);
  });

  it("is given up when it failed, begins anew behind what has come, or is more than was claimed", () => {
    const failure = { reason: "diskFull", message: "Full." };
    expect(nextOf({ state: "failed", failure })).to.deep.equal({ kind: "giveUp", why: failure });
    expect(reasonOf(nextOf({ state: "failed" }))).to.equal("copyLost");
    expect(reasonOf(nextOf({ state: "copying" }, 1))).to.equal("copyLost");
    expect(reasonOf(nextOf({ ...whole, state: "ready", sizeBytes: 1_001 }))).to.equal("uploadTooLarge");
    expect(reasonOf(nextOf({ ...whole, state: "ready" }, 0, null))).to.equal("uploadTooLarge");
  });
});

describe("a host that does not answer for a copy", () => {
  const refusal = { reason: "noResponders", message: "Nobody." };
  it("is asked again for a while, and then given up", () => {
    const silentMs = catalogLimits.copyHostSilentMsMax;
    expect(afterRefusal(refusal, { code: "UNAVAILABLE", silentMs })).to.equal(undefined);
    const late = afterRefusal(refusal, { code: "UNAVAILABLE", silentMs: silentMs + 1 });
    expect(late?.reason).to.equal("copyLost");
  });

  it("is believed when it refuses", () => {
    const said = { reason: "notCopyable", message: "No." };
    expect(afterRefusal(said, { code: "FAILED_PRECONDITION", silentMs: 0 })).to.deep.equal(said);
  });
});
