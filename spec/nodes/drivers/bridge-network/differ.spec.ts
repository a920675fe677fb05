/** From one ruleset to the next: the script has what differs, and nothing else. */
import { expect } from "chai";
import { tapName } from "../../../../nodes/drivers/bridge-network/device-names.ts";
import { compile } from "../../../../nodes/drivers/bridge-network/rules/compile.ts";
import { difference } from "../../../../nodes/drivers/bridge-network/rules/differ.ts";
import { emptyLedger, nextLedger } from "../../../../nodes/drivers/bridge-network/rules/ledger.ts";
import type { Ruleset } from "../../../../nodes/drivers/bridge-network/rules/model.ts";
import { wholeText } from "../../../../nodes/drivers/bridge-network/rules/text.ts";
import type { HostNetworking } from "../../../../protocol/networking.ts";
import {
  defaultGroup,
  type Guest,
  pictureOf,
  plugOf,
  portIdOf,
  rule,
} from "../../../support/switch-world.ts";

const guest = (number: number, network = 1): Guest => ({ network, number });

function rulesetOf(guests: readonly Guest[], networking: HostNetworking | null): Ruleset {
  const ports = guests.map((one) => plugOf(one));
  const ids = ports.map(({ portId }) => portId);
  return compile({ networking, ports }, nextLedger(emptyLedger, networking, ids));
}
const linesOf = (before: Ruleset, after: Ruleset): readonly string[] =>
  difference(before, after).split("\n").filter(Boolean);
const words = (line: string, count: number): string => line.split(" ").slice(0, count).join(" ");

describe("the way from one ruleset to the next", () => {
  const two = [guest(7), guest(8)];
  const before = rulesetOf(two, pictureOf(two));

  it("is empty between rulesets that are the same", () => {
    expect(difference(before, rulesetOf(two, pictureOf(two)))).to.equal("");
  });

  it("adds a port's elements, and touches no chain and no other port", () => {
    const three = [...two, guest(9)];
    const lines = linesOf(before, rulesetOf(three, pictureOf(three)));
    expect(lines.every((line) => line.startsWith("add element "))).to.equal(true);
    expect(lines.length).to.be.at.most(18);
    expect(lines.join())
      .to.include(tapName(portIdOf(guest(9))))
      .and.not.include(tapName(portIdOf(guest(7))));
  });

  it("removes a port's elements", () => {
    const lines = linesOf(before, rulesetOf([guest(7)], pictureOf([guest(7)])));
    expect(lines.every((line) => line.startsWith("delete element "))).to.equal(true);
    expect(lines.join())
      .to.include(tapName(portIdOf(guest(8))))
      .and.not.include(tapName(portIdOf(guest(7))));
  });

  it("writes the rules of the one chain anew that has others, in one step", () => {
    const group = defaultGroup(two);
    const changed = { ...group, rules: [...group.rules, rule({ protocol: 6, portMin: 22, portMax: 22 })] };
    const lines = linesOf(before, rulesetOf(two, pictureOf(two, { groups: [changed] })));
    expect(lines[0]).to.equal("flush chain bridge nv in_group_default");
    expect(new Set(lines.slice(1).map((line) => words(line, 5)))).to.deep.equal(
      new Set(["add rule bridge nv in_group_default"]),
    );
    expect(lines.at(-1)).to.equal(
      "add rule bridge nv in_group_default ether type ip meta l4proto 6 th dport 22 accept",
    );
  });

  it("makes chains and sets before what names them, and removes them after it", () => {
    const web = { id: "web", rules: [rule({ remoteGroupId: "web" })], members: ["10.0.1.0/28"] };
    const groups = [defaultGroup(two), web];
    const after = rulesetOf(two, pictureOf(two, { groups, port: { groupIds: ["web"] } }));
    const there = linesOf(before, after).map((line) => words(line, 2));
    const order = (lines: readonly string[]) => lines.filter((line, at) => line !== lines[at - 1]);
    expect(order(there).slice(0, 3)).to.deep.equal(["add set", "add chain", "add rule"]);
    expect(order(there).slice(-3)).to.deep.equal(["flush chain", "delete chain", "delete set"]);
  });

  it("writes a set of ranges anew, for a range that grows would meet its former self", () => {
    const wide = (cidr: string) => pictureOf(two, { port: { addressPairs: [{ cidr, mac: null }] } });
    const lines = linesOf(rulesetOf(two, wide("10.0.1.128/25")), rulesetOf(two, wide("10.0.1.0/24")));
    expect(lines.map((line) => words(line, 5))).to.deep.equal([
      "flush set bridge nv ranges4",
      "add element bridge nv ranges4",
    ]);
  });

  it("makes the whole ruleset anew where a script cannot change what is there", () => {
    expect(difference([], before)).to.equal(wholeText(before));
    const [bridge, inet] = before;
    if (bridge === undefined || inet === undefined) throw new Error("There are two tables.");
    const other = { ...bridge, chains: new Map([...bridge.chains, ["pre", { hook: "another", rules: [] }]]) };
    expect(difference([other, inet], before)).to.equal(wholeText(before));
  });
});
