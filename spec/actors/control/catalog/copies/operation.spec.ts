/** The operation that makes an image of an instance, by value. */
import { expect } from "chai";
import {
  endedOperation,
  endOf,
  imageOperation,
  reached,
} from "../../../../../actors/control/catalog/copies/operation.ts";
import { catalogLimits } from "../../../../../actors/control/catalog/limits.ts";

const begun = imageOperation({
  ...{ id: "o1", imageId: "image", project: "demo", requestId: "r1" },
  ...{ sizeBytes: catalogLimits.copyBytesPerMs * 10, nowMs: 1_000 },
});

describe("the operation of an image of an instance", () => {
  it("is the image's, with a deadline by the size of the disk", () => {
    expect(begun).to.include({ noun: "image", entityId: "image", kind: "imageCreate", state: "running" });
    expect(begun.deadlineAtMs).to.equal(1_010 + catalogLimits.copyMsMin);
  });

  it("tells each step, and a tenth of progress", () => {
    const first = reached(begun, { step: "copying", percent: 3 }, 2);
    if (first === undefined) throw new Error("A step is news.");
    expect(first.steps.map(({ step }) => step)).to.deep.equal(["accepted", "copying"]);
    expect(reached(first, { step: "copying", percent: 12 }, 3)).to.equal(undefined);
    expect(reached(first, { step: "copying", percent: 13 }, 3)).to.deep.equal({ ...first, percent: 13 });
    const later = reached({ ...first, percent: 40 }, { step: "sending", percent: 20 }, 4);
    expect(later).to.include({ step: "sending", percent: 40 });
  });

  it("ends well, or with a reason of ours", () => {
    expect(endedOperation(begun, 9)).to.include({ state: "done", percent: 100, endedAtMs: 9, error: null });
    const failed = endedOperation(begun, 9, { reason: "diskFull", message: "Full." });
    expect(failed).to.include({ state: "failed", percent: 0, endedAtMs: 9 });
    expect(failed.error).to.include({ reason: "diskFull", message: "Full." });
    expect(failed.steps.at(-1)).to.deep.equal({ step: "failed", atMs: 9, message: "Full." });
    const told = endOf(failed, "mine");
    expect(told).to.include({
      noun: "image",
      id: "image",
      event: "operationEnded",
      operationId: "o1",
      atMs: 9,
    });
    expect(told.body).to.include({ name: "mine", kind: "imageCreate", state: "failed" });
    expect(endOf(endedOperation(begun, 9), undefined).body).to.deep.equal({
      ...{ kind: "imageCreate", state: "done" },
    });
    expect(endedOperation(begun, 9, { reason: "of a host", message: "?" }).error?.reason).to.equal(
      "copyLost",
    );
  });
});
