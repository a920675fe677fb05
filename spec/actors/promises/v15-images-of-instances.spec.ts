/** V15 by value: images of other disks, of no moment or of another one, and copies that are left. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import { imagesOfInstances } from "../../../actors/promises/v15-images-of-instances.ts";
import { image } from "../../../protocol/image.ts";

/** Facts have only the fields that this checker reads. */
const factOf = (some: object): Fact => some as Fact;
const committed = (commit: object): Fact =>
  factOf({ kind: "committed", atMs: 1, by: "c1", result: { kind: "committed" }, commit });
const wrote = (count: number, instanceId = "i"): Fact =>
  factOf({ kind: "diskWritten", atMs: 1, instanceId, count });
const operation = (state: string) => ({ kind: "imageCreate", entityId: "image", state });
const asked = committed({
  events: [{ noun: "image", event: "created", id: "image", body: { instanceId: "i" } }],
  operations: [operation("running")],
});
const copied = (number: number, instanceId = "i"): Fact =>
  factOf({ kind: "diskCopied", atMs: 1, hostId: "h1", imageId: "image", instanceId, sha256: "a", number });
const active = committed({
  rows: [{ resource: image, changed: { id: "image", state: "active", disk: { sha256: "a" } } }],
});
const done = committed({ operations: [operation("done")] });
const found = (...facts: readonly Fact[]) => {
  const checker = imagesOfInstances();
  return facts.flatMap((fact) => checker.see(fact));
};

describe("V15: images of instances", () => {
  it("holds where an image has what was on the disk at the request, or at any moment until the end", () => {
    for (const number of [3, 4, 5])
      expect(found(wrote(3), asked, wrote(4), wrote(5), copied(number), active, done)).to.deep.equal([]);
    expect(found(asked, copied(0), active, done)).to.deep.equal([]);
  });

  it("holds where it comes to nothing, and where the image is deleted", () => {
    const failed = committed({ operations: [operation("failed")] });
    expect(found(asked, failed, wrote(1), done)).to.deep.equal([]);
    expect(found(asked, committed({ rows: [{ resource: image, removed: "image" }] }), failed)).to.deep.equal(
      [],
    );
  });

  it("is broken by what was there before, what comes later, and a mixture", () => {
    for (const number of [2, 6, -1])
      expect(found(wrote(2), wrote(3), asked, wrote(4), copied(number), active)).to.have.length(1);
  });

  it("is broken by the disk of another instance, and by one that nobody has copied", () => {
    expect(found(asked, wrote(1, "j"), copied(1, "j"), active)).to.have.length(1);
    expect(found(asked, active)).to.have.length(1);
  });

  it("is broken by an operation that is done before the image is there", () => {
    expect(found(asked, done)).to.have.length(1);
  });

  it("is broken by what is left of a copy that nobody needs", () => {
    const copies = [{ hostId: "h1", instanceId: "i", imageId: "image", what: "part" }];
    const quiet = (state: string) =>
      factOf({ kind: "quiet", atMs: 9, copies, operations: [operation(state)] });
    expect(found(quiet("running"))).to.deep.equal([]);
    expect(found(quiet("failed"))).to.have.length(1);
  });
});
