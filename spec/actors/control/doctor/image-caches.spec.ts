/** Image caches beyond their bounds, and disks without a base, are findings. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import { healthy } from "./worlds.ts";

const mib = 1024 ** 2;
const cache = {
  ...{ takenBytes: 90 * mib, cacheBytesMax: 100 * mib, freeBytes: 300 * mib, freeBytesMin: 200 * mib },
  baseless: [] as { instanceId: string; sha256: string }[],
};

describe("doctor: image caches", () => {
  const findingsOf = (imageCache: typeof cache) => {
    const { input, audit } = healthy();
    return compare({ ...input, answers: [{ hostId: "h1", audit: { ...audit, imageCache } }] }).findings;
  };

  it("finds nothing of one within its bounds", () => {
    expect(findingsOf(cache)).to.deep.equal([]);
  });

  it("names a cache that takes more than it may, or has too little free beside it", () => {
    const [over] = findingsOf({ ...cache, takenBytes: 101 * mib });
    expect(over).to.deep.include({ kind: "stuck", subject: "host one" });
    expect(over?.message).to.match(/takes more than it may/);
    expect(over?.next).to.match(/101 of 100 MiB are taken/);
    const [narrow] = findingsOf({ ...cache, freeBytes: 199 * mib });
    expect(narrow?.message).to.match(/too little left free/);
    expect(narrow?.next).to.match(/199 MiB are free, 200 have to be/);
  });

  it("names a guest whose disk has lost what is below it, and not one that is under way", () => {
    const { input } = healthy();
    const id = input.instances[0]?.instance.id ?? "";
    const [lost] = findingsOf({ ...cache, baseless: [{ instanceId: id, sha256: "a".repeat(64) }] });
    expect(lost).to.deep.include({ kind: "drift", subject: `instance ${id}` });
    expect(lost?.message).to.match(/aaaaaaaaaaaa below its disk is not on host one/);
  });
});
