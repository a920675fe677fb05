/** Files of images that no image has are named, and nothing else is. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { DoctorInput } from "../../../../actors/control/doctor/input.ts";
import { healthy, imageSha256 } from "./worlds.ts";

const find = (changes: Partial<DoctorInput>) => {
  const { findings } = compare({ ...healthy().input, ...changes });
  for (const { next } of findings) expect(next).to.match(/^[A-Z].*\.$/);
  return findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`);
};
const file = (sha256: string, aside = false) => ({ sha256, sizeBytes: 7, keptAtMs: 1, aside });
const other = "b".repeat(64);

describe("doctor: files of images", () => {
  it("finds nothing where each file has an image, and counts them", () => {
    expect(find({})).to.deep.equal([]);
    expect(compare(healthy().input).compared.imageFiles).to.equal(1);
  });

  it("names a file that no image has, also one that a removal has put aside", () => {
    for (const aside of [false, true])
      expect(
        find({ imageFiles: { files: [file(imageSha256), file(other, aside)], holds: [] } }),
      ).to.deep.equal([`leak image file ${other}: It has 7 bytes in the image store, and no image has it.`]);
  });

  it("says nothing of a registration that is under way, nor of files on another machine", () => {
    const holds = [{ imageId: "g2", sha256: other, heldAtMs: 1 }];
    expect(find({ imageFiles: { files: [file(other)], holds } })).to.deep.equal([]);
    expect(find({ imageFiles: { files: [], holds: [] } })).to.deep.equal([]);
  });

  it("says when the files could not be listed", () => {
    expect(find({ imageFiles: { error: "It hangs." } })).to.deep.equal([
      "drift image store: Its files were not compared, for they could not be listed: It hangs.",
    ]);
  });
});
