/** What passes routers and ways outside, as texts, and which connections they do not keep. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import type {
  PlannedOutside,
  PlannedRouter,
} from "../../../../../nodes/drivers/bridge-network/routing/planned.ts";
import { outsideRules, routerRules } from "../../../../../nodes/drivers/bridge-network/routing/rules.ts";
import {
  readKept,
  strayLines,
  straysOfOutside,
  straysOfRouter,
} from "../../../../../nodes/drivers/bridge-network/routing/stray-connections.ts";
import {
  nextTransits,
  noTransits,
  transitAddress,
} from "../../../../../nodes/drivers/bridge-network/routing/transits.ts";
import { difference } from "../../../../../nodes/drivers/bridge-network/rules/differ.ts";
import { wholeText } from "../../../../../nodes/drivers/bridge-network/rules/text.ts";

const leave = { space: "outside", device: "nve1", transit: "169.254.1.1", mtuBytes: 1_500, snat: true };
const router: PlannedRouter = {
  ...{ space: "router", interfaces: [], neighbours: [], routes: [], leave },
  prefixes: ["10.1.0.0/24", "10.2.0.0/24", "198.51.100.7"],
  floating: [
    { address: "203.0.113.50", target: "10.1.0.5" },
    { address: "203.0.113.51", target: "10.1.0.5" },
    { address: "203.0.113.52", target: "10.2.0.5" },
  ],
};
const outside: PlannedOutside = {
  ...{
    space: "outside",
    device: "nvo1",
    parent: "eth1",
    mac: "0e:6f:00:00:00:01",
    address: "203.0.113.7/24",
  },
  ...{ gateway: "203.0.113.1", ranges: ["203.0.113.0/24"] },
  customers: [
    { device: "nve1", transit: "169.254.1.1", mtuBytes: 1_500, floating: ["203.0.113.50"] },
    { device: "nve2", transit: "169.254.1.2", mtuBytes: 1_500, floating: [] },
  ],
};

/** As conntrack 1.4.7 says it. */
const line = (protocol: string, first: readonly [string, string], answer: readonly [string, string]) =>
  `${protocol === "6" ? "tcp" : "udp"}      ${protocol} 86 src=${first[0]} dst=${first[1]} sport=4 dport=5 ` +
  `src=${answer[0]} dst=${answer[1]} sport=5 dport=4 [ASSURED] mark=0 use=1`;

describe("Rules of a router and of a way outside", () => {
  it("are, of a plan with everything in it, the text that is kept", () => {
    const file = new URL("../router-rules.nft", import.meta.url);
    const text = [
      routerRules(router),
      routerRules({ ...router, leave: { ...leave, snat: false } }),
      outsideRules(outside),
    ]
      .map(wholeText)
      .join("\n");
    if (process.env.NOVACT_WRITE_GOLDEN !== undefined) writeFileSync(file, text);
    expect(text).to.equal(readFileSync(file, "utf8"));
  });

  it("change by elements, when a floating address comes, goes or leads elsewhere", () => {
    const moved = { ...router, floating: [{ address: "203.0.113.50", target: "10.2.0.5" }] };
    expect(difference(routerRules(router), routerRules(moved)).split("\n")).to.deep.equal([
      "delete element ip nv floating { 203.0.113.50, 203.0.113.51, 203.0.113.52 }",
      "add element ip nv floating { 203.0.113.50 : 10.2.0.5 }",
      "delete element ip nv reached { 10.1.0.5 }",
      "delete element ip nv leaving { 10.2.0.5, 10.1.0.5 }",
      "add element ip nv leaving { 10.2.0.5 : 203.0.113.50 }",
      "",
    ]);
  });

  it("let a guest with two floating addresses leave by the first", () => {
    const [table] = routerRules(router);
    expect(table?.sets.get("leaving")?.elements.get("10.1.0.5")).to.equal("203.0.113.50");
  });
});

describe("Connections that a router does not keep", () => {
  const kept = [
    line("6", ["192.0.2.1", "203.0.113.50"], ["10.1.0.5", "192.0.2.1"]),
    line("17", ["10.1.0.5", "192.0.2.1"], ["192.0.2.1", "203.0.113.50"]),
    line("17", ["10.1.0.9", "192.0.2.1"], ["192.0.2.1", "169.254.1.1"]),
    line("17", ["10.1.0.9", "10.2.0.9"], ["10.2.0.9", "10.1.0.9"]),
  ];
  const stray = [
    line("6", ["192.0.2.1", "203.0.113.99"], ["10.1.0.5", "192.0.2.1"]),
    line("17", ["192.0.2.1", "203.0.113.50"], ["10.2.0.5", "192.0.2.1"]),
    line("17", ["10.2.0.5", "192.0.2.1"], ["192.0.2.1", "203.0.113.50"]),
    line("17", ["10.1.0.9", "192.0.2.1"], ["192.0.2.1", "169.254.1.9"]),
  ];
  const all = readKept([...kept, ...stray, "nothing", ""].join("\n"));

  it("are those at floating addresses that went or lead elsewhere, and as a router that it is not", () => {
    expect(strayLines(straysOfRouter(all, router))).to.deep.equal([
      "-D -p 6 -s 192.0.2.1 -d 203.0.113.99",
      "-D -p 17 -s 192.0.2.1 -d 203.0.113.50",
      "-D -p 17 -s 10.2.0.5 -d 192.0.2.1",
      "-D -p 17 -s 10.1.0.9 -d 192.0.2.1",
    ]);
    expect(straysOfRouter(readKept(kept.join("\n")), router)).to.deep.equal([]);
  });

  it("are also those of guests without a floating address, where they may not leave any more", () => {
    const closed = { ...router, leave: { ...leave, snat: false } };
    expect(strayLines(straysOfRouter(readKept(kept.join("\n")), closed))).to.deep.equal([
      "-D -p 17 -s 10.1.0.9 -d 192.0.2.1",
    ]);
    expect(
      straysOfRouter(readKept(kept.join("\n")), { ...router, leave: null, floating: [] }),
    ).to.have.length(3);
  });

  it("are, at a way outside, those of nobody who is there", () => {
    const there = [
      line("17", ["169.254.1.2", "192.0.2.1"], ["192.0.2.1", "203.0.113.7"]),
      line("17", ["203.0.113.50", "192.0.2.1"], ["192.0.2.1", "203.0.113.50"]),
      line("1", ["192.0.2.1", "203.0.113.7"], ["203.0.113.7", "192.0.2.1"]),
    ];
    const gone = [
      line("17", ["169.254.1.3", "192.0.2.1"], ["192.0.2.1", "203.0.113.7"]),
      line("17", ["192.0.2.1", "203.0.113.51"], ["203.0.113.51", "192.0.2.1"]),
    ];
    expect(strayLines(straysOfOutside(readKept([...there, ...gone].join("\n")), outside))).to.deep.equal([
      "-D -p 17 -s 169.254.1.3 -d 192.0.2.1",
      "-D -p 17 -s 192.0.2.1 -d 203.0.113.51",
    ]);
  });
});

describe("Addresses between routers and ways outside", () => {
  it("stay a router's as long as it is there, and rest when it has gone", () => {
    const first = nextTransits(noTransits, ["a", "b", "a"]);
    expect(first).to.deep.equal({ numbers: { a: 1, b: 2 }, next: 2 });
    const second = nextTransits(first, ["b", "c"]);
    expect(second).to.deep.equal({ numbers: { b: 2, c: 3 }, next: 3 });
    expect(nextTransits({ numbers: { b: 2 }, next: 60_000 }, ["b", "d", "e"]).numbers).to.deep.equal({
      ...{ b: 2, d: 1, e: 3 },
    });
    expect(
      nextTransits({ numbers: { a: 5, b: 5, c: 60_001 }, next: 0 }, ["a", "b", "c"]).numbers,
    ).to.deep.equal({
      ...{ a: 5, b: 1, c: 2 },
    });
  });

  it("are of one link, from 169.254.1.1 on", () => {
    expect([1, 255, 256, 60_000].map(transitAddress)).to.deep.equal([
      ...["169.254.1.1", "169.254.1.255", "169.254.2.0", "169.254.235.96"],
    ]);
  });
});
