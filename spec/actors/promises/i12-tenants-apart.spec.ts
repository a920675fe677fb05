/**
 * I12: anything of another tenant that a tenant is told or changes is found, wherever in the answer it lies.
 */
import { expect } from "chai";
import { tenantsApart } from "../../../actors/promises/i12-tenants-apart.ts";
import { createTurn } from "../../support/store-rows.ts";
import { changed, completed, history, invoked, judged, seen, told } from "./worlds.ts";

const asked = (change: object, answer: Readonly<Record<string, unknown>> = {}) => [
  invoked(1, { project: "other", id: "", ...change }),
  completed(1, { answer }),
];
const found = (change: object, answer: Readonly<Record<string, unknown>>) =>
  judged(tenantsApart(), asked(change, answer));
const theirs = { id: "i", project: "demo" };
const own = { id: "j", project: "other" };

describe("promise I12, tenants apart", () => {
  it("is kept by answers about what is one's own, and by what belongs to nobody", () => {
    const mine = {
      instance: own,
      instances: [own],
      operation: own,
      all: [{ instance: own }],
      flavor: { id: "f" },
    };
    expect(found({ method: "instance.list" }, mine)).to.deep.equal([]);
    const named = { instance: { ...own, metadata: { project: "demo" } } };
    expect(found({ method: "instance.get" }, named)).to.deep.equal([]);
  });

  it("is broken by another's thing in any part of an answer", () => {
    const leaks = [
      { instance: theirs },
      { instances: [own, theirs] },
      { operation: theirs },
      { operations: [theirs] },
      { events: [told(1)] },
      {
        all: [
          { instance: own, operation: own },
          { instance: own, operation: theirs },
        ],
      },
    ];
    for (const leak of leaks) expect(found({ method: "instance.list" }, leak)).to.have.length(1);
  });

  it("lets operators see all", () => {
    expect(found({ project: "admin", method: "instance.list" }, { instances: [theirs, own] })).to.deep.equal(
      [],
    );
  });

  it("is broken by a tenant whose call reaches another's instance", () => {
    const reach = asked({ method: "instance.console", id: "i" }, { text: "secret" });
    expect(judged(tenantsApart(), [...history(createTurn("i")), ...reach])).to.deep.equal([
      "client-1 of other had instance.console done to instance i of demo.",
    ]);
    const birth = asked({ project: "demo", method: "instance.create" }, changed("i", 1));
    expect(judged(tenantsApart(), [...birth, ...reach])).to.have.length(1);
    const many = asked({ project: "demo", method: "instance.create" }, { all: [changed("i", 1)] });
    expect(judged(tenantsApart(), [...many, ...reach])).to.have.length(1);
  });

  it("is kept when such a call is refused, and when the owner calls", () => {
    const call = invoked(1, { project: "other", method: "instance.stop", id: "i" });
    const facts = [...history(createTurn("i")), call, completed(1, { outcome: "failed" })];
    expect(judged(tenantsApart(), facts)).to.deep.equal([]);
    const owner = asked({ project: "demo", method: "instance.stop", id: "i" }, changed("i", 2));
    expect(judged(tenantsApart(), [...history(createTurn("i")), ...owner])).to.deep.equal([]);
  });

  it("is broken by a watcher that is handed another's event", () => {
    expect(judged(tenantsApart(), [seen(1), seen(2, { project: "demo" })])).to.deep.equal([]);
    expect(judged(tenantsApart(), [seen(1, { project: "other" })])).to.have.length(1);
  });
});
