/** The ruleset of a picture, as a value and as the text that nft reads. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { bridgeName, tapName } from "../../../../nodes/drivers/bridge-network/device-names.ts";
import { compile } from "../../../../nodes/drivers/bridge-network/rules/compile.ts";
import {
  emptyLedger,
  givesNothing,
  type Ledger,
  nextLedger,
  servicesOf,
} from "../../../../nodes/drivers/bridge-network/rules/ledger.ts";
import type { Ruleset } from "../../../../nodes/drivers/bridge-network/rules/model.ts";
import { wholeText } from "../../../../nodes/drivers/bridge-network/rules/text.ts";
import type { HostNetworking } from "../../../../protocol/networking.ts";
import { type Guest, pictureOf, plugOf, portIdOf, rule } from "../../../support/switch-world.ts";

const guest = (number: number, network = 1): Guest => ({ network, number });

function rulesetOf(
  guests: readonly Guest[],
  networking: HostNetworking,
  before: Ledger = emptyLedger,
): Ruleset {
  const ports = guests.map((one) => plugOf(one));
  const ids = ports.map(({ portId }) => portId);
  return compile({ networking, ports }, nextLedger(before, networking, ids));
}

const elementsOf = (ruleset: Ruleset, name: string): readonly string[] =>
  ruleset.flatMap(({ sets }) =>
    [...(sets.get(name)?.elements ?? [])].map(([key, value]) => `${key} ${value}`.trim()),
  );
const allElements = (ruleset: Ruleset): string =>
  ruleset.flatMap(({ sets }) => [...sets.keys()].flatMap((name) => elementsOf(ruleset, name))).join("\n");
const rulesOf = (ruleset: Ruleset): readonly string[] =>
  ruleset.flatMap(({ chains }) => [...chains.values()].flatMap(({ rules }) => rules));

describe("rules of the kernel's bridge", () => {
  it("are, of a picture with everything in it, the text that is kept", () => {
    const guests = [guest(7), guest(8), guest(7, 2)];
    const networking = pictureOf(guests, {
      port: {
        addressPairs: [
          { cidr: "10.0.1.128/25", mac: null },
          { cidr: "10.0.1.200/32", mac: "52:54:00:aa:bb:cc" },
          { cidr: "fd00:9::/64", mac: null },
        ],
      },
    });
    const [open] = networking.networks[1]?.ports ?? [];
    if (open !== undefined) open.portSecurity = false;
    networking.groups[0]?.members.push("10.0.1.128/25");
    networking.groups[0]?.rules.push(
      rule({ protocol: 6, portMin: 80, portMax: 90, remoteCidr: "10.0.0.0/8" }),
      rule({ protocol: 1, portMin: 8, portMax: 0 }),
      rule({ portMin: 5, ipVersion: 6 }),
      rule({ protocol: 47, remoteCidr: "0.0.0.0/0" }),
      rule({ protocol: 6, portMin: 9, portMax: 3 }),
      rule({ remoteCidr: "fd00::/8" }),
    );
    const file = new URL("rules.nft", import.meta.url);
    const text = wholeText(rulesetOf(guests, networking));
    if (process.env.NOVACT_WRITE_GOLDEN === "1") writeFileSync(file, text);
    expect(text).to.equal(readFileSync(file, "utf8"));
  });

  it("let nothing pass without a picture", () => {
    const ruleset = compile({ networking: null, ports: [plugOf(guest(7))] }, emptyLedger);
    expect(allElements(ruleset)).to.equal("");
    const hooks = ruleset.flatMap(({ chains }) =>
      [...chains].flatMap(([name, { hook }]) => (hook ? [`${name} ${hook}`] : [])),
    );
    const closed = hooks.filter((hook) => hook.includes("policy drop")).map((hook) => hook.split(" ")[0]);
    expect(closed).to.have.members(["pre", "input", "output", "forward"]);
  });

  it("have nothing of a port that is not plugged in, or is another's", () => {
    const networking = pictureOf([guest(7), guest(8), guest(9)]);
    const ports = [plugOf(guest(7)), { ...plugOf(guest(8)), instanceId: "another" }];
    const text = allElements(compile({ networking, ports }, emptyLedger));
    expect(text).to.include(tapName(portIdOf(guest(7))));
    expect(text).to.not.include(tapName(portIdOf(guest(8))));
    expect(text).to.not.include(tapName(portIdOf(guest(9))));
  });

  it("have as many rules for a hundred ports as for one, and some elements more for each", () => {
    const many = Array.from({ length: 100 }, (_, at) => guest(at + 1));
    const [one, all] = [rulesetOf([guest(1)], pictureOf([guest(1)])), rulesetOf(many, pictureOf(many))];
    expect(rulesOf(all)).to.deep.equal(rulesOf(one));
    const more = allElements(all).split("\n").length - allElements(one).split("\n").length;
    expect(more / 99).to.be.at.most(22);
  });

  it("give each network a zone of connections of its own, which stays", () => {
    const [one, both] = [pictureOf([guest(7)]), pictureOf([guest(7), guest(7, 2)])];
    // Both would have the zone of the first's number.
    const clash = { ...both, networks: both.networks.map((network) => ({ ...network, number: 1 })) };
    const before = nextLedger(emptyLedger, one, []);
    const after = nextLedger(before, clash, []);
    expect(after.zones).to.deep.equal({ "network-1": 2, "network-2": 3 });
    expect(elementsOf(rulesetOf([], clash, before), "zones")).to.deep.equal([
      `"${bridgeName("network-1")}" 2`,
      `"${bridgeName("network-2")}" 3`,
    ]);
    expect(nextLedger(after, pictureOf([guest(7, 2)]), []).zones).to.deep.equal({ "network-2": 3 });
  });

  it("need no room on the disk where nothing is given, as when ports go", () => {
    const [less, more] = [pictureOf([guest(7)]), pictureOf([guest(7), guest(7, 2)])];
    const before = nextLedger(emptyLedger, more, ["a", "b"]);
    expect(givesNothing(before, nextLedger(before, less, ["a"]))).to.equal(true);
    expect(givesNothing(before, nextLedger(before, more, ["a", "c"]))).to.equal(false);
    expect(givesNothing(nextLedger(emptyLedger, less, []), nextLedger(emptyLedger, more, []))).to.equal(
      false,
    );
  });

  it("give a service address that a port had to no other one soon", () => {
    const first = nextLedger(emptyLedger, null, ["a", "b"]);
    expect(first.services).to.deep.equal({ a: 1, b: 2 });
    const later = nextLedger(nextLedger(first, null, ["a"]), null, ["a", "c"]);
    expect(later.services).to.deep.equal({ a: 1, c: 3 });
    expect(servicesOf(3)).to.deep.equal({ own: "100.64.0.6", all: "100.64.0.7" });
    expect(servicesOf(2_000_000).all).to.equal("100.125.9.1");
  });
});
