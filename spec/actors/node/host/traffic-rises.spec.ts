/** Sums of what has passed all ports since the reading before, by value. */
import { expect } from "chai";
import { risesOf } from "../../../../actors/node/host/traffic-rises.ts";
import type { PortTraffic } from "../../../../protocol/traffic.ts";

const port = (portId: string, packets: number, rule: number | null = null): PortTraffic => ({
  ...{ portId, agoMs: 0 },
  ingress: { packets, bytes: 10 * packets, dropped: { rule, limit: null, other: 0 } },
  egress: { packets: 2 * packets, bytes: 0, dropped: { rule: null, limit: null, forged: null, other: null } },
});

describe("what has passed all ports since the reading before", () => {
  it("is the sum of the rises, also of ports that have come; nothing of those that went", () => {
    const { packets, bytes } = risesOf([port("a", 5), port("gone", 70)], [port("a", 7), port("b", 3)]);
    expect(packets).to.deep.equal([
      ["in", 5],
      ["out", 10],
    ]);
    expect(bytes).to.deep.equal([
      ["in", 50],
      ["out", 0],
    ]);
  });

  it("is never less than nothing: a lower count has begun anew", () => {
    expect(risesOf([port("a", 100)], [port("a", 4)]).packets[0]).to.deep.equal(["in", 4]);
  });

  it("has no sum of what nobody counts", () => {
    expect(risesOf([], [port("a", 1)]).dropped).to.deep.equal([["in", "other", 0]]);
    expect(risesOf([port("a", 1)], [port("a", 2, 3)]).dropped).to.deep.include(["in", "rule", 3]);
    expect(risesOf([], [])).to.deep.equal({ packets: [], bytes: [], dropped: [] });
  });
});
