/** Which of the kernel's connections the rules end, and in which words. */
import { expect } from "chai";
import { tapName } from "../../../../nodes/drivers/bridge-network/device-names.ts";
import {
  type Connection,
  ConnectionJudge,
  readConnections,
  readRemembered,
  remembering,
  revokedOf,
} from "../../../../nodes/drivers/bridge-network/rules/connections.ts";
import { endingLines, linesMax, urgentLines } from "../../../../nodes/drivers/bridge-network/rules/ending.ts";
import { emptyLedger, nextLedger } from "../../../../nodes/drivers/bridge-network/rules/ledger.ts";
import { ruleLimits } from "../../../../nodes/drivers/bridge-network/rules/limits.ts";
import { readListing } from "../../../../nodes/drivers/bridge-network/rules/read-back.ts";
import {
  type Guest,
  pictureOf,
  plugOf,
  portIdOf,
  type RulePicture,
  rule,
} from "../../../support/switch-world.ts";

const guests: readonly Guest[] = [7, 8].map((number) => ({ network: 1, number }));
const tcpAt = (port: number, direction: RulePicture["direction"]) =>
  rule({ direction, protocol: 6, portMin: port, portMax: port });

function judgeOf(rules: readonly RulePicture[], some = guests): ConnectionJudge {
  const networking = pictureOf(some, { groups: [{ id: "default", rules: [...rules], members: [] }] });
  const ports = some.map((guest) => plugOf(guest));
  return new ConnectionJudge({ networking, ports }, nextLedger(emptyLedger, networking, []));
}

const line = (port: number, source = "10.0.1.7", sport = 4_000): string =>
  `tcp      6 431999 ESTABLISHED src=${source} dst=10.0.1.8 sport=${sport} dport=${port} ` +
  `src=10.0.1.8 dst=${source} sport=${port} dport=${sport} [ASSURED] mark=0 zone=2 use=1`;
const both = [tcpAt(22, "ingress"), tcpAt(22, "egress"), tcpAt(23, "ingress"), tcpAt(23, "egress")];

describe("connections of the kernel's bridge", () => {
  const [open] = readConnections(line(22));

  it("are read in the direction of their first packet", () => {
    expect(open).to.deep.equal({
      ...{ zone: 2, version: 4, protocol: 6, source: "10.0.1.7", destination: "10.0.1.8" },
      ...{ sourcePort: 4_000, destinationPort: 22, icmp: null },
    });
    const text =
      "icmpv6   58 29 src=fd00:1::7 dst=fd00:1::8 type=128 code=0 id=7 src=fd00:1::8 mark=0 zone=9 use=1";
    expect(readConnections(text)[0]).to.include({ zone: 9, version: 6, protocol: 58, sourcePort: 0 });
    expect(readConnections(text)[0]?.icmp).to.deep.equal({ type: 128, code: 0 });
    expect(readConnections("conntrack v1.4.7 (conntrack-tools): 2 flow entries\n\n")).to.deep.equal([]);
  });

  it("end when a rule of either end is gone, and no others", () => {
    const all = readConnections([line(22), line(23)].join("\n"));
    const before = judgeOf(both);
    expect(revokedOf(all, { before, after: before })).to.deep.equal([]);
    for (const gone of [0, 1]) {
      const after = judgeOf(both.filter((_, at) => at !== gone));
      expect(revokedOf(all, { before, after }).map((one) => one.destinationPort)).to.deep.equal([22]);
    }
  });

  it("end when nobody of this host has a part in them, or their network is gone", () => {
    const elsewhere = readConnections(line(22).replaceAll("10.0.1.", "10.0.9."));
    const otherZone = readConnections(line(22).replace("zone=2", "zone=77"));
    const after = judgeOf(both);
    expect(revokedOf([...elsewhere, ...otherZone], { before: null, after })).to.have.length(2);
  });

  it("are asked about at the end that is on this host", () => {
    const after = judgeOf([tcpAt(22, "egress")], [{ network: 1, number: 7 }]);
    expect(revokedOf(readConnections(line(22)), { before: null, after })).to.deep.equal([]);
  });

  it("end when one that was found in its middle may have been begun by the other end", () => {
    const back = readConnections(line(4_000, "10.0.1.7", 22));
    const anything = [rule({ direction: "egress", protocol: 6 }), tcpAt(4_000, "ingress")];
    const before = judgeOf([...anything, tcpAt(22, "ingress")]);
    expect(revokedOf(back, { before, after: judgeOf(anything) })).to.have.length(1);
    expect(revokedOf(back, { before: judgeOf(anything), after: judgeOf(anything) })).to.have.length(0);
  });

  it("are ended by one line where all to a service end, and one by one where another stays", () => {
    const [one, other] = readConnections([line(22), line(22, "10.0.1.7", 4_001)].join("\n"));
    if (one === undefined || other === undefined) throw new Error("There are two.");
    const all = "-D -w 2 -p tcp -s 10.0.1.7 -d 10.0.1.8 --dport 22";
    expect(endingLines([one, other], [one, other])).to.deep.equal([all]);
    expect(endingLines([one, other], [one])).to.deep.equal([`${all} --sport 4000`]);
  });

  it("of many services end by few lines, none of which ends one that stays", () => {
    const many = Array.from({ length: 300 }, (_, index) => line(1_000 + index, "10.0.1.7", 2_000 + index));
    const other = line(22, "10.0.1.9");
    const own = line(9, "10.0.1.7");
    const read = (...lines: readonly string[]) => readConnections(lines.join("\n"));
    const linesFor = (all: readonly Connection[]) => endingLines(all, all.slice(0, many.length));
    expect(linesFor(read(...many))).to.deep.equal(["-D -w 2 -p tcp -s 10.0.1.7 -d 10.0.1.8"]);
    expect(linesFor(read(...many, other))).to.deep.equal(["-D -w 2 -p tcp -s 10.0.1.7 -d 10.0.1.8"]);
    expect(linesFor(read(...many, own))).to.have.length(many.length);
    expect(linesFor(read(...many, own))[0]).to.contain("--dport 1000");
    // Too many to wait for: all of the guest end, or all of the network, and none of another one.
    const away = read(line(9).replace("zone=2", "zone=3"));
    const urgent = (all: readonly Connection[]) => urgentLines(all, all.slice(0, many.length));
    expect(urgent(read(...many, own))).to.deep.equal(["-D -w 2 -s 10.0.1.7", "-D -w 2 -d 10.0.1.7"]);
    const pairs = (to: (index: number) => number) =>
      many.map((_, index) => line(to(index), `10.0.2.${index}`).replaceAll("10.0.1.8", `10.0.3.${index}`));
    expect(urgent(read(...pairs((index) => 1_000 + index), ...pairs(() => 9)))).to.deep.equal(["-D -w 2"]);
    expect(urgentLines([...read(...many, own), ...away], away)).to.deep.equal([
      "-D -w 3 -p tcp -s 10.0.1.7 -d 10.0.1.8 --dport 9",
    ]);
  });

  it("are ended by fewer lines where there are many to look at", () => {
    expect([0, 1_000, 10_000, 100_000, 1_000_000].map(linesMax)).to.deep.equal([32, 32, 20, 2, 1]);
  });

  it("of one port take only so much of what the kernel remembers, and the others' have room", () => {
    const judge = judgeOf([], [...guests, { network: 1, number: 9 }]);
    const flood = Array.from({ length: ruleLimits.revokedPerPortMax + 10 }, (_, index) =>
      line(1_000 + index),
    );
    const all = readConnections([...flood, line(22, "10.0.1.9")].join("\n"));
    const { sets, left } = remembering(all, judge);
    expect(left).to.have.length(11);
    // What is remembered already counts, and is not told again.
    const elements = [...(sets.get("revoked_tcp4")?.keys() ?? [])];
    expect(elements).to.have.length(2 * ruleLimits.revokedPerPortMax);
    const elem = elements.map((text) => {
      const [device = "", source, destination, from, to] = (text.split(" timeout ")[0] ?? "").split(" . ");
      const concat = [device.slice(1, -1), source, destination, Number(from), Number(to)];
      return { elem: { val: { concat }, ...(text.includes("answers") ? { comment: "answers" } : {}) } };
    });
    const set = { family: "bridge", name: "revoked_tcp4", table: "nv", flags: ["timeout"], elem };
    const known = readRemembered(readListing(JSON.stringify({ nftables: [{ set }] }))?.living ?? []);
    const again = remembering(all.slice(0, 10), judge, known);
    expect([again.left.length, again.sets.get("revoked_tcp4")?.size ?? 0]).to.deep.equal([10, 0]);
    const fresh = remembering(
      readConnections(line(22, "10.0.1.9").replaceAll("10.0.1.8", "10.0.1.99")),
      judge,
      known,
    );
    expect(fresh.left).to.deep.equal([]);
  });

  it("without ports, or of nobody who is there, are not remembered; only the former must end at once", () => {
    const ping = "icmp 1 29 src=10.0.1.7 dst=10.0.1.8 type=8 code=0 id=7 src=10.0.1.8 mark=0 zone=2 use=1";
    const all = readConnections([ping, line(22).replaceAll("10.0.1.", "10.0.9.")].join("\n"));
    const { sets, left } = remembering(all, judgeOf([]));
    expect([sets.size, left.map(({ protocol }) => protocol)]).to.deep.equal([0, [1]]);
  });

  it("are remembered in both directions, and known again by what nft says of them", () => {
    const judge = judgeOf([]);
    if (open === undefined) throw new Error("There is one.");
    const { sets: elements, left } = remembering([open], judge);
    expect(left).to.deep.equal([]);
    const [caller, called] = guests.map((guest) => tapName(portIdOf(guest)));
    expect([...(elements.get("revoked_tcp4") ?? [])].map(([key]) => key)).to.deep.equal([
      `"${caller}" . 10.0.1.7 . 10.0.1.8 . 4000 . 22 timeout 432000s`,
      `"${called}" . 10.0.1.8 . 10.0.1.7 . 22 . 4000 timeout 432000s comment "answers"`,
    ]);
    const set = { family: "bridge", name: "revoked_tcp4", table: "nv", flags: ["timeout"] };
    const said = [
      { elem: { val: { concat: [caller, "10.0.1.7", "10.0.1.8", 4_000, 22] }, timeout: 5 } },
      { elem: { val: { concat: [called, "10.0.1.8", "10.0.1.7", 22, 4_000] }, comment: "answers" } },
    ];
    const listing = readListing(JSON.stringify({ nftables: [{ set: { ...set, elem: said } }] }));
    const known = readRemembered(listing?.living ?? []);
    expect(known.map(({ connection }) => connection)).to.deep.equal([
      { ...open, zone: 0 },
      { ...open, zone: 0 },
    ]);
    expect(known.map((one) => judge.isAgain(one))).to.deep.equal([false, false]);
    expect(known.map((one) => judgeOf(both).isAgain(one))).to.deep.equal([true, true]);
  });

  it("are compared without what comes and goes, whatever the order", () => {
    const text = (elem: readonly unknown[], handle: number) =>
      JSON.stringify({
        nftables: [
          { metainfo: { version: "1" } },
          { table: { family: "bridge", name: "nv", handle } },
          { set: { family: "bridge", name: "a", table: "nv", handle, elem } },
          { set: { family: "bridge", name: "b", table: "nv", flags: ["timeout"], elem: [handle] } },
          { table: { family: "ip", name: "other", handle } },
        ],
      });
    expect(readListing(text([1, 2], 1))?.text).to.equal(readListing(text([2, 1], 9))?.text);
    expect(readListing(text([1, 2], 1))?.text).to.not.equal(readListing(text([1], 1))?.text);
    expect(readListing("nothing")).to.equal(undefined);
  });
});
