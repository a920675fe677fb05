/** Bandwidth limits as people write and read them, by value. */
import { expect } from "chai";
import { bandwidthAsked, limitOf, limitText } from "../../../nodes/cli/nouns/networks/bandwidth-words.ts";

describe("a bandwidth limit in words", () => {
  it("is read with its unit, and with a burst where one is named", () => {
    expect(limitOf("20mbit")).to.deep.equal({ kilobitsPerSecond: 20_000 });
    expect(limitOf("1gbit/4Mbit")).to.deep.equal({ kilobitsPerSecond: 1_000_000, burstKilobits: 4_000 });
    expect(limitOf("512kbit")).to.deep.equal({ kilobitsPerSecond: 512 });
    for (const wrong of ["", "20", "mbit", "-1mbit", "2.5mbit", "20mbit/", "1mbit/1mbit/1mbit", "20mbyte"])
      expect(() => limitOf(wrong), wrong).to.throw("20mbit");
  });

  it("is shown in the largest unit that is whole", () => {
    expect(limitText({ kilobitsPerSecond: 20_000, burstKilobits: 1_049 })).to.equal(
      "20 mbit/s, 1049 kbit at once",
    );
    expect(limitText({ kilobitsPerSecond: 3_000_000, burstKilobits: 300_000 })).to.contain(
      "3 gbit/s, 300 mbit",
    );
    expect([limitText(null), limitText(undefined)]).to.deep.equal(["no limit", "no limit"]);
  });

  it("is asked for, taken away, or left as it is, for each direction", () => {
    const limit = { kilobitsPerSecond: 20_000 };
    expect(bandwidthAsked()).to.deep.equal({});
    expect(bandwidthAsked(limit)).to.deep.equal({ bandwidth: { ingress: limit } });
    expect(bandwidthAsked(false, limit)).to.deep.equal({ bandwidth: { ingress: null, egress: limit } });
  });
});
