/** The part of promise I3 about names of resources, by value: also of rows that go with another row. */
import { expect } from "chai";
import { rowsOfResources } from "../../../actors/promises/resources.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import type { RowChange } from "../../../actors/records/rows.ts";
import { floatingTarget } from "../../../protocol/floating-ip.ts";
import { port } from "../../../protocol/port.ts";

const base = { createdAtMs: 0, version: 1 };
const target = (id: string, portId: string): RowChange => {
  const made = { ...base, id, name: "floating", floatingId: "floating", portId };
  return { resource: floatingTarget, made };
};

describe("names of resources", () => {
  const said = (...commits: readonly (readonly RowChange[])[]) => {
    const judge = rowsOfResources();
    return commits.flatMap((rows) => judge({ rows } as Commit));
  };

  it("are broken by two of one owner", () => {
    expect(said([target("one", "p1")], [target("two", "p2")])).to.deep.equal([
      "Two floating ip targets of one owner are called floating: one and two.",
    ]);
  });

  it("are kept when the first has gone, by itself or with what it is a part of", () => {
    const second = [target("two", "p2")];
    expect(said([target("one", "p1")], [{ resource: floatingTarget, removed: "one" }], second)).to.deep.equal(
      [],
    );
    expect(said([target("one", "p1")], [{ resource: port, removed: "p1" }], second)).to.deep.equal([]);
    expect(said([target("one", "p1")], [{ resource: port, removed: "p3" }], second)).to.have.length(1);
  });
});
