/** Which images need the holds of their files no more, by value. */
import { expect } from "chai";
import { releasedImages } from "../../../../actors/control/catalog/image-sweeper.ts";
import { type ImageState, imageStates } from "../../../../protocol/image.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";

const [held, other] = ["a".repeat(64), "b".repeat(64)];
const nowMs = 1_000_000_000;
const hold = (sha256 = held, agoMs = 0) => ({ imageId: "image-1", sha256, heldAtMs: nowMs - agoMs });
const row = (state: ImageState, disk?: string) => ({
  ...{ id: "image-1", state, kernel: null, ramdisk: null },
  disk:
    disk === undefined ? null : { sha256: disk, sizeBytes: 5, format: "raw" as const, virtualSizeBytes: 512 },
});
const released = (holds: ReturnType<typeof hold>[], rows: ReturnType<typeof row>[]) =>
  releasedImages(holds, rows, nowMs);

describe("the holds of images", () => {
  it("stay while the row waits for bytes, and go when it waits for none", () => {
    const go = imageStates.filter((state) => released([hold()], [row(state)]).length > 0);
    expect(go).to.deep.equal(["active", "deactivated"]);
  });

  it("go in every state when the row names the file, and not for another file", () => {
    for (const state of imageStates)
      expect(released([hold()], [row(state, held)])).to.deep.equal(["image-1"]);
    expect(released([hold()], [row("importing", other)])).to.deep.equal([]);
    expect(released([hold(), hold(other)], [row("importing", other)]), "together").to.deep.equal([]);
  });

  it("stay without a row as long as a registration may take", () => {
    expect(released([hold(held, storageLimits.imageHoldMs)], [])).to.deep.equal([]);
    for (const rows of [[], [row("importing")]])
      expect(released([hold(held, storageLimits.imageHoldMs + 1)], rows)).to.deep.equal(["image-1"]);
  });
});
