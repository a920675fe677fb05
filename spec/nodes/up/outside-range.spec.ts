/** The range of addresses by which a computer and its guests reach each other, by value. */
import { expect } from "chai";
import {
  computerAddress,
  freeRange,
  outsideAddress,
  outsideRangeOf,
  underlayAddress,
} from "../../../nodes/up/outside-range.ts";
import { addressOf, cidrOf, contains } from "../../../protocol/address.ts";

describe("the range outside of a cluster of one computer", () => {
  it("has the computer, floating addresses and nodes apart from each other", () => {
    const { cidr, gateway, pool } = outsideRangeOf(7);
    expect([cidr, gateway, computerAddress(7)]).to.deep.equal([
      "198.19.7.0/24",
      "198.19.7.1",
      "198.19.7.1/24",
    ]);
    expect(pool).to.deep.equal({ first: "198.19.7.10", last: "198.19.7.199" });
    expect([0, 49, 50].map((index) => outsideAddress(7, index))).to.deep.equal([
      "198.19.7.200/24",
      "198.19.7.249/24",
      undefined,
    ]);
  });

  it("is the one of before while nobody else has it, and else one that no device has an address of", () => {
    const first = freeRange("/a", [], undefined);
    expect(freeRange("/a", ["127.0.0.1", "fe80::1", "198.18.0.1"], undefined)).to.equal(first);
    expect(freeRange("/a", [], 9)).to.equal(9);
    expect(freeRange("/a", ["198.19.9.77"], 9)).to.equal(first);
    const others = Array.from({ length: 256 }, (_, range) => `198.19.${range}.5`);
    expect(freeRange("/a", others, 9)).to.equal(undefined);
    expect(freeRange("/a", others.toSpliced(200, 1), 9)).to.equal(200);
  });

  it("is none of the nodes' underlay, on which each node has an address of its own", () => {
    const own = [0, 1, 254, 255, 9_999].map((index) => underlayAddress(index));
    expect(own.slice(0, 4)).to.deep.equal([
      "198.18.0.1/16",
      "198.18.0.2/16",
      "198.18.0.255/16",
      "198.18.1.0/16",
    ]);
    const range = cidrOf(outsideRangeOf(0).cidr);
    for (const text of own) {
      const address = addressOf(text.split("/")[0] ?? "");
      expect(range && address && contains(range, address)).to.equal(false);
    }
  });
});
