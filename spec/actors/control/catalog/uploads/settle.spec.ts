/** What is done where an image and its upload do not fit, by value. */
import { expect } from "chai";
import { settlingOf } from "../../../../../actors/control/catalog/uploads/settle.ts";
import type { UploadStatus } from "../../../../../actors/ports/image-uploads.ts";
import { imageStates } from "../../../../../protocol/image.ts";

const part: UploadStatus = {
  ...{ uploadId: "image", imageId: "image", project: "demo" },
  ...{ nextOffset: 7, writtenAtMs: 1, sealed: null },
};
const digests = { sha256: "a".repeat(64), sha512: "b".repeat(128), md5: "c".repeat(32) };
const sealed = {
  ...part,
  sealed: { ...digests, sizeBytes: 7, format: "raw", virtualSizeBytes: 512 } as const,
};
const found = (status: UploadStatus | null, holder: string | null = "one") =>
  imageStates.map((state) => {
    const row = { state, holder, sizeBytes: 7 };
    return settlingOf({ row, status, server: "one", sealing: false });
  });

describe("an image and its upload", () => {
  it("are put right where one of them says more than the other", () => {
    expect(found(part)).to.deep.equal(["nothing", "nothing", "interrupted", "discard", "discard"]);
    expect(found(sealed)).to.deep.equal(["nothing", "nothing", "activate", "discard", "discard"]);
    expect(found(null)).to.deep.equal(["forget", "forget", "forget", "nothing", "nothing"]);
  });

  it("are forgotten where a host has sent a copy that was refused, or was not verified to the end", () => {
    const from = { instanceId: "i", hostId: "h", ownerEpoch: 1, untilMs: 9 };
    expect(found({ ...part, from })).to.deep.equal([
      "forget",
      "nothing",
      "interrupted",
      "discard",
      "discard",
    ]);
  });

  it("are left alone where the image is another controller's, but for bytes that nobody needs", () => {
    for (const holder of ["two", null]) {
      expect(new Set(found(null, holder))).to.deep.equal(new Set(["nothing"]));
      expect(new Set(found(part, holder))).to.deep.equal(new Set(["discard"]));
    }
    const gone = { row: undefined, server: "one", sealing: false };
    expect(settlingOf({ ...gone, status: part })).to.equal("discard");
    expect(settlingOf({ ...gone, status: null })).to.equal("nothing");
  });

  it("are left alone while they are verified", () => {
    const row = { state: "importing", holder: "one", sizeBytes: 7 } as const;
    for (const status of [part, sealed, null])
      expect(settlingOf({ row, status, server: "one", sealing: true })).to.equal("nothing");
  });
});
