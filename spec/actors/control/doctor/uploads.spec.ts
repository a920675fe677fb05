/** Images that wait for bytes beside what their controller has of them, by value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import type { ImageRecord } from "../../../../actors/records/catalog.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import { healthy, image, imageSha256 } from "./worlds.ts";

const { nowMs } = healthy().input;
const oldMs = nowMs - storageLimits.uploadKeptMs - 1;
const row = (changes: Partial<ImageRecord>): ImageRecord => ({
  ...{ ...image, id: "g2", name: "mine", kernel: null, createdAtMs: oldMs, holder: "one" },
  ...changes,
});
const status = (writtenAtMs = oldMs) => ({
  ...{ uploadId: "g2", imageId: "g2", project: "demo", nextOffset: 2_048, writtenAtMs, sealed: null },
});
const find = (mine: ImageRecord | undefined, statuses: ReturnType<typeof status>[], more = {}) => {
  const changes: Partial<DoctorInput> = { uploads: { server: "one", statuses }, ...more };
  const images = mine === undefined ? [image] : [image, mine];
  const { findings } = compare({ ...healthy().input, images, ...changes });
  for (const { next } of findings) expect(next).to.match(/^[A-Z].*\.$/);
  return findings.map(({ kind, subject }) => `${kind} ${subject}`);
};

describe("doctor: uploads of images", () => {
  it("finds nothing where they fit, nor where they are another controller's or young", () => {
    expect(find(row({ state: "saving" }), [status()])).to.deep.equal([]);
    expect(find(row({ state: "importing" }), [status(nowMs)])).to.deep.equal([]);
    expect(find(row({ state: "saving", holder: "two" }), [])).to.deep.equal([]);
    expect(find(row({ state: "queued", holder: null, createdAtMs: nowMs }), [])).to.deep.equal([]);
    expect(find(undefined, [status(nowMs)])).to.deep.equal([]);
    expect(find(row({ state: "saving" }), [], { uploads: undefined })).to.deep.equal([]);
  });

  it("names what was sent and nobody waits for, and images whose bytes are gone or do not come", () => {
    expect(find(undefined, [status()])).to.deep.equal(["leak upload g2"]);
    const kernel = { sha256: imageSha256, sizeBytes: 5 };
    expect(find(row({ state: "active", kernel }), [status()])).to.deep.equal(["leak upload g2"]);
    for (const state of ["saving", "importing", "queued"] as const)
      expect(find(row({ state }), [])).to.deep.equal(["drift image mine (g2)"]);
    expect(find(row({ state: "queued", holder: null }), [])).to.deep.equal(["advice image mine (g2)"]);
    expect(find(row({ state: "importing" }), [status()])).to.deep.equal(["stuck image mine (g2)"]);
  });

  it("names an image whose file its controller should have, and has not", () => {
    const kernel = { sha256: "b".repeat(64), sizeBytes: 5 };
    expect(find(row({ state: "active", kernel }), [])).to.deep.equal(["drift image mine (g2)"]);
    expect(find(row({ state: "active", kernel, holder: "two" }), [])).to.deep.equal([]);
  });
});
