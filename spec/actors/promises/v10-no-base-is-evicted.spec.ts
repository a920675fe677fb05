/** V10 by value: an image that goes while a guest's files are based on it, or was never there. */
import { expect } from "chai";
import type { ImageCached, ImagesNeeded } from "../../../actors/promises/image-facts.ts";
import { noBaseIsEvicted } from "../../../actors/promises/v10-no-base-is-evicted.ts";

const cached = (kind: ImageCached["kind"], sha256: string, hostId = "h1"): ImageCached => ({
  ...{ kind, atMs: 1, hostId, sha256 },
});
const needs = (kind: ImagesNeeded["kind"], sha256s: readonly string[], hostId = "h1"): ImagesNeeded => ({
  ...{ kind, atMs: 1, hostId, instanceId: "one", sha256s },
});
const found = (...facts: readonly (ImageCached | ImagesNeeded)[]) => {
  const checker = noBaseIsEvicted();
  return facts.flatMap((fact) => checker.see(fact));
};

describe("V10: no base is evicted", () => {
  const made = [cached("imageCached", "a"), cached("imageCached", "b"), needs("imagesNeeded", ["a"])];

  it("holds where only what nobody needs goes, or what nobody needs any more", () => {
    expect(found(...made, cached("imageEvicted", "b"))).to.deep.equal([]);
    expect(found(...made, needs("imagesLetGo", []), cached("imageEvicted", "a"))).to.deep.equal([]);
    expect(found(...made, cached("imageCached", "a", "h2"), cached("imageEvicted", "a", "h2"))).to.deep.equal(
      [],
    );
  });

  it("is broken where a base goes, and where files are made of what is not there", () => {
    expect(found(...made, cached("imageEvicted", "a"))).to.have.length(1);
    expect(found(...made, needs("imagesNeeded", ["a"], "h2"))).to.have.length(1);
    expect(found(...made, cached("imageEvicted", "b"), needs("imagesNeeded", ["b"]))).to.have.length(1);
  });
});
