/** What `ip -j -s` says of taps, and the limits' own counts, as the counts of ports; by value. */
import { expect } from "chai";
import { tapName } from "../../../../nodes/drivers/bridge-network/device-names.ts";
import type { SeenLimit } from "../../../../nodes/drivers/bridge-network/limit-table.ts";
import { trafficOf } from "../../../../nodes/drivers/bridge-network/port-traffic.ts";
import { readTraffic } from "../../../../nodes/drivers/bridge-network/seen-traffic.ts";

const id = "01890000-0000-7000-8000-00000000a001";
const tap = tapName(id);
const rx = { bytes: 560, packets: 6, errors: 0, dropped: 1, over_errors: 0, multicast: 0 };
const tx = { bytes: 1_200, packets: 9, errors: 0, dropped: 2, carrier_errors: 0, collisions: 0 };
const row = { ifindex: 2, ifname: tap, flags: ["UP"], mtu: 1_500, stats64: { rx, tx } };
const limit: SeenLimit = {
  ...{ tap, hook: "ingress", bytesPerSecond: 1, burstBytes: 1, dropped: 5, droppedBytes: 500 },
};

describe("what a tap has counted", () => {
  it("is the guest's the other way round: what the tap receives, the guest has sent", () => {
    const counted = trafficOf(id, { taps: readTraffic([row]), limits: [limit] });
    expect(counted).to.deep.equal({
      ...{ portId: id, agoMs: 0 },
      ingress: { packets: 9, bytes: 1_200, dropped: { rule: null, limit: null, other: 2 } },
      egress: { packets: 6, bytes: 560, dropped: { rule: null, limit: 5, forged: null, other: null } },
    });
  });

  it("is not known of a tap that is not there, or whose numbers are not understood", () => {
    const strange = [{ ...row, stats64: { rx, tx: { ...tx, bytes: "many" } } }, { ifname: "lo" }, 7, null];
    for (const said of [[], {}, undefined, strange])
      expect(trafficOf(id, { taps: readTraffic(said), limits: [] })).to.equal(undefined);
  });
});
