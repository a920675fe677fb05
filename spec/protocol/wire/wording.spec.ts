/** Plurals, ordinals and units: the words around numbers. */
import { expect } from "chai";
import {
  bytes,
  counted,
  gibibytes,
  isOrAre,
  kibibytes,
  mebibytes,
  ordinal,
} from "../../../protocol/wire/wording.ts";

describe("wording", () => {
  it("nouns are plural but for one", () => {
    expect([0, 1, 2].map((count) => counted(count, "CPU"))).to.deep.equal(["0 CPUs", "1 CPU", "2 CPUs"]);
    expect([1, 2].map((count) => counted(count, "entry", "entries"))).to.deep.equal(["1 entry", "2 entries"]);
    expect([0, 1, 2].map(isOrAre)).to.deep.equal(["are", "is", "are"]);
  });

  it("ordinals have the ending that is spoken", () => {
    expect([1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 23, 101, 111, 112, 1_003].map(ordinal)).to.deep.equal(
      "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 23rd 101st 111th 112th 1003rd".split(" "),
    );
  });

  it("sizes are in the largest unit that they have one of", () => {
    expect([kibibytes(2_048), kibibytes(1_048_576), mebibytes(0), mebibytes(1_536)]).to.deep.equal([
      "2 MiB",
      "1 GiB",
      "0",
      "1.5 GiB",
    ]);
    expect([gibibytes(1.5), gibibytes(1_024), bytes(1)]).to.deep.equal(["1.5 GiB", "1 TiB", "1 B"]);
  });
});
