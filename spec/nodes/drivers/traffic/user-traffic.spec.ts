/** What the switch's file says of ports, by value; whatever else it says counts nothing. */
import { expect } from "chai";
import { trafficIn } from "../../../../nodes/drivers/user-network/port-traffic.ts";
import { count, PortCounters } from "../../../../nodes/switch/counters.ts";

const counted = (): PortCounters => {
  const counters = new PortCounters();
  for (const bytes of [60, 1_500]) count(counters.sent, Buffer.alloc(bytes));
  count(counters.received, Buffer.alloc(100));
  for (const cause of ["ingressRule", "ingressLimit", "ingressLimit", "queueFull", "notConnected"] as const)
    counters.drop(cause);
  for (const cause of ["egressRule", "noConnection", "egressLimit"] as const) counters.drop(cause);
  for (const cause of ["forgedMac", "forgedArp", "router", "unknownMac", "noRoute"] as const)
    counters.drop(cause);
  return counters;
};

describe("what the switch has counted", () => {
  it("is told as the guest sees it, with what was dropped by cause", () => {
    const text = JSON.stringify({ p1: counted(), p2: new PortCounters(), "other hosts": counted() });
    expect(trafficIn(text, new Set(["p1"]), 4_000)).to.deep.equal([
      {
        ...{ portId: "p1", agoMs: 4_000 },
        ingress: { packets: 1, bytes: 100, dropped: { rule: 1, limit: 2, other: 2 } },
        egress: { packets: 2, bytes: 1_560, dropped: { rule: 2, limit: 1, forged: 3, other: 2 } },
      },
    ]);
  });

  it("is nothing where the file is damaged, or says something else", () => {
    const ids = new Set(["p1"]);
    for (const text of ["", "{", "[]", "null", '{"p1":{}}', '{"p1":{"sent":{"frames":-1,"bytes":0}}}'])
      expect(trafficIn(text, ids, 0), text).to.deep.equal([]);
  });
});
