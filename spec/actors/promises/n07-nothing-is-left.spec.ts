/** N7: what is left of networks, on a host or in the ledger, is found. */
import { expect } from "chai";
import type { LedgerRow, Quiet } from "../../../actors/promises/facts.ts";
import { nothingIsLeft } from "../../../actors/promises/n07-nothing-is-left.ts";
import { plug } from "../../../protocol/port.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { committed, facts, judged, quiet } from "./worlds.ts";

const row = (what: LedgerRow["what"], id: string, of: string | null): LedgerRow => ({ what, id, of });
const ledger = [
  ...[row("network", "n", null), row("subnet", "s", "n"), row("port", "p", "n"), row("address", "a", "p")],
  ...[row("group membership", "g", "p"), row("plug", "p", "i"), row("published port", "8080", "p")],
];
const has = [
  ...[
    { what: "tap", row: "p" },
    { what: "bridge", row: "n" },
  ],
  { what: "published port", row: "8080" },
];
const sound = { instances: [facts("i")], ledger, networks: [{ hostId: "h1", ports: 1, applied: null, has }] };

const plugRow = (deleteWithInstance: boolean): RowOf<typeof plug> => ({
  ...{ id: "p", name: "p", portId: "p", device: "instance", deviceId: "i", deleteWithInstance },
  ...{ createdAtMs: 1, version: 1 },
});
const found = (change: Partial<Quiet> = {}) =>
  judged(nothingIsLeft(), [quiet({ ...sound, ...change })]).map((one) => one.replace(/, .*/, ""));
const without = (what: LedgerRow["what"]) => ledger.filter((one) => one.what !== what);

describe("promise N7", () => {
  it("is kept where everything belongs to something, or nobody has looked", () => {
    expect(found()).to.deep.equal([]);
    expect(judged(nothingIsLeft(), [quiet({ instances: [] })])).to.deep.equal([]);
  });

  it("is broken by rows that go with something that is gone", () => {
    expect(found({ ledger: without("network"), networks: [] })).to.deep.equal([
      "The subnet s is left of network n",
    ]);
    expect(found({ ledger: without("port"), networks: [] })).to.deep.equal([
      "The address a is left of port p",
      "The group membership g is left of port p",
    ]);
    expect(found({ ledger: without("plug"), networks: [] })).to.deep.equal([
      "The published port 8080 is left of port p",
    ]);
    const gone = { instances: [facts("i", { deleted: true })], networks: [] };
    expect(found(gone)).to.deep.equal(["The plug p is left of i"]);
  });

  it("is broken by what a host has of ports that are not there, or are elsewhere", () => {
    const elsewhere = { instances: [facts("i", { hostId: "h2" })] };
    const left = has.map(({ what }) => `On host h1 the ${what} is left`);
    expect(found(elsewhere)).to.deep.equal(left);
    expect(found({ ledger: without("published port") })).to.deep.equal(left.slice(2));
  });

  it("is broken by what a host has for routers beside what its picture says, and by what it lacks of it", () => {
    const outside = {
      ...{ networkId: "o", physicalNetwork: "public", mtuBytes: 1_500, subnets: [], snat: true },
    };
    const floating = [{ id: "f", address: "192.0.2.2", portId: "p", target: "10.0.0.3" }];
    const routers = [{ id: "r", interfaces: [], routes: [], outside, floating }];
    const applied = { version: 1, networks: [], groups: [], routers };
    const made = [
      { what: "router", row: "r" },
      { what: "way outside", row: "r" },
      { what: "floating address", row: "f" },
    ];
    const at = (things: typeof has, picture: typeof applied | null) =>
      found({ networks: [{ hostId: "h1", ports: 1, applied: picture, has: [...has, ...things] }] });
    expect(at(made, applied)).to.deep.equal([]);
    expect(at(made, null)).to.deep.equal(made.map(({ what }) => `On host h1 the ${what} is left`));
    expect(at(made.slice(0, 1), applied)).to.deep.equal([
      "On host h1 the way outside of r is missing.",
      "On host h1 the floating address of f is missing.",
    ]);
  });

  it("is broken by a port that its instance should have taken with it, and by no other", () => {
    const made = (deleteWithInstance: boolean) =>
      committed({
        rows: [
          {
            resource: plug,
            made: plugRow(deleteWithInstance),
          },
        ],
      });
    const rest = quiet({
      ...sound,
      ledger: [row("network", "n", null), row("port", "p", "n")],
      networks: [],
    });
    expect(judged(nothingIsLeft(), [made(true), rest])).to.deep.equal([
      "The port p is left of an instance that has let go of it.",
    ]);
    expect(judged(nothingIsLeft(), [made(false), rest])).to.deep.equal([]);
  });
});
