/** The bandwidth limits of a port, asked for and kept, by value. */
import { expect } from "chai";
import { bandwidthOf } from "../../../../actors/control/networking/bandwidth.ts";
import { networkLimits } from "../../../../protocol/limits/network.ts";

const kept = { kilobitsPerSecond: 20_000, burstKilobits: 2_000 };

describe("the bandwidth limits of a port", () => {
  it("are none where none is asked for, or all are taken away", () => {
    expect(bandwidthOf(undefined, null)).to.equal(null);
    expect(bandwidthOf({}, null)).to.equal(null);
    expect(bandwidthOf({ ingress: null }, { ingress: kept, egress: null })).to.equal(null);
  });

  it("have a burst of a tenth of a second, within what any port may have, unless it is named", () => {
    const burstOf = (kilobitsPerSecond: number) =>
      bandwidthOf({ egress: { kilobitsPerSecond } }, null)?.egress?.burstKilobits;
    const { burstKilobitsMin, burstKilobitsMax, bandwidthKilobitsPerSecondMax } = networkLimits;
    expect(burstOf(20_001)).to.equal(2_001);
    expect(burstOf(networkLimits.bandwidthKilobitsPerSecondMin)).to.equal(burstKilobitsMin);
    expect(burstOf(bandwidthKilobitsPerSecondMax)).to.equal(burstKilobitsMax);
    expect(bandwidthOf({ egress: { ...kept, burstKilobits: 5_000 } }, null)?.egress?.burstKilobits).to.equal(
      5_000,
    );
  });

  it("change in the direction that is asked for alone", () => {
    const before = { ingress: kept, egress: kept };
    expect(bandwidthOf({ egress: null }, before)).to.deep.equal({ ingress: kept, egress: null });
    const faster = { ...kept, kilobitsPerSecond: 30_000 };
    expect(bandwidthOf({ ingress: faster }, before)).to.deep.equal({ ingress: faster, egress: kept });
    expect(bandwidthOf(undefined, before)).to.deep.equal(before);
  });
});
