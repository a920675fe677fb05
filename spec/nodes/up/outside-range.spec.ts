/** The range of addresses by which a computer and its guests reach each other, by value. */
import { expect } from "chai";
import {
  computerAddress,
  freeRange,
  outsideAddress,
  outsideRangeOf,
  placed,
  routedRanges,
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
    expect(freeRange("/a", ["127.0.0.1/8", "fe80::1/64", "198.18.0.1/16"], undefined)).to.equal(first);
    expect(freeRange("/a", [], 9)).to.equal(9);
    expect(freeRange("/a", ["198.19.9.77/32"], 9)).to.equal(first);
    expect(freeRange("/a", ["198.18.0.1/15"], 9), "within another's range").to.equal(undefined);
    const others = Array.from({ length: 256 }, (_, range) => `198.19.${range}.5/24`);
    expect(freeRange("/a", others, 9)).to.equal(undefined);
    expect(freeRange("/a", others.toSpliced(200, 1), 9)).to.equal(200);
  });

  it("is none to which the computer has a route by another device", () => {
    const table = [
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
      "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
      "tun0\t000013C6\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
      "nvd0\t000913C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    ].join("\n");
    expect(routedRanges(`${table}\n`, "nvd0")).to.deep.equal(["198.19.0.0/16"]);
    expect(freeRange("/a", routedRanges(table, "nvd0"), 9)).to.equal(undefined);
  });

  it("has a place for each node, which stays when others come and go", () => {
    expect(placed({}, ["a", "b"])).to.deep.equal({ a: 0, b: 1 });
    expect(placed({ a: 0, b: 1 }, ["b", "c"])).to.deep.equal({ a: 0, b: 1, c: 2 });
    expect(placed({ b: 1 }, ["b", "c"])).to.deep.equal({ b: 1, c: 0 });
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
