/** Bandwidth limits as a table of nftables, by value: what is written, and what nft 1.0.6 says of it. */
import { expect } from "chai";
import {
  isSame,
  limitsOf,
  type PlannedLimit,
  readLimits,
  tableText,
} from "../../../../nodes/drivers/bridge-network/limit-table.ts";

const limit = { kilobitsPerSecond: 20_000, burstKilobits: 2_000 };
const bytes = { bytesPerSecond: 2_500_000, burstBytes: 250_000 };
const sends: PlannedLimit = { tap: "nvt00000000a001", hook: "ingress", ...bytes };
const receives: PlannedLimit = { ...sends, hook: "egress" };

const chain = (name: string) => ({
  chain: { family: "netdev", table: "nvlimits", name, type: "filter", prio: 0, policy: "accept" },
});
const rule = (name: string, given: object, packets = 0) => ({
  rule: {
    ...{ family: "netdev", table: "nvlimits", chain: name, handle: 2 },
    expr: [
      { limit: { per: "second", inv: true, ...given } },
      { counter: { packets, bytes: packets * 100 } },
      { drop: null },
    ],
  },
});
const listed = (...things: object[]) => ({ nftables: [{ metainfo: {} }, { table: {} }, ...things] });

describe("the table of bandwidth limits", () => {
  it("has what a guest sends at the way in, and what it receives at the way out", () => {
    expect(limitsOf(sends.tap, { ingress: null, egress: limit })).to.deep.equal([sends]);
    expect(limitsOf(sends.tap, { ingress: limit, egress: null })).to.deep.equal([receives]);
    expect(limitsOf(sends.tap, undefined)).to.deep.equal([]);
  });

  it("is replaced in one step, and is gone without limits", () => {
    const none = "table netdev nvlimits\ndelete table netdev nvlimits\n";
    expect(tableText([])).to.equal(none);
    expect(tableText([sends])).to.equal(
      [
        `${none}table netdev nvlimits {`,
        "  chain ingress_nvt00000000a001 {",
        '    type filter hook ingress device "nvt00000000a001" priority 0; policy accept;',
        "    limit rate over 2500000 bytes/second burst 250000 bytes counter packets 0 bytes 0 drop",
        "  }",
        "}",
        "",
      ].join("\n"),
    );
  });

  it("goes on with what it has counted when it is replaced, of the limits that stay", () => {
    const seen = { ...sends, dropped: 7, droppedBytes: 700 };
    const faster = { ...sends, bytesPerSecond: 5_000_000 };
    expect(tableText([faster, receives], [seen])).to.contain("counter packets 7 bytes 700 drop");
    expect(tableText([receives], [seen])).not.to.contain("packets 7");
  });

  it("is read back in whatever unit it is said, with what was dropped", () => {
    const name = `ingress_${sends.tap}`;
    const said = { rate: 2_500_000, burst: 250_000, rate_unit: "bytes", burst_unit: "bytes" };
    expect(readLimits(listed(chain(name), rule(name, said, 7)))).to.deep.equal([
      { ...sends, dropped: 7, droppedBytes: 700 },
    ]);
    const large = { rate: 125, burst: 2, rate_unit: "kbytes", burst_unit: "mbytes" };
    expect(readLimits(listed(rule(name, large)))).to.deep.equal([
      { ...sends, bytesPerSecond: 128_000, burstBytes: 2_097_152, dropped: 0, droppedBytes: 0 },
    ]);
  });

  it("is another one when a limit is missing, is more, or is not understood", () => {
    expect(isSame([receives, sends], [sends, receives])).to.equal(true);
    expect(isSame([sends], [sends, receives])).to.equal(false);
    expect(isSame([sends, receives], [sends])).to.equal(false);
    expect(isSame([{ ...sends, burstBytes: 1 }], [sends])).to.equal(false);
    const strange = readLimits(listed(rule(`ingress_${sends.tap}`, { rate: 1, rate_unit: "acres" })));
    expect(isSame(strange, [sends])).to.equal(false);
    for (const nothing of [null, [], {}, { nftables: {} }, listed()])
      expect(readLimits(nothing)).to.deep.equal([]);
  });
});
