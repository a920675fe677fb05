/** V13 by value: volumes that are copied and not held, and such as are held for a copy that nobody makes. */
import { expect } from "chai";
import { copyBegun, copyGivenUp, copyMade } from "../../../actors/control/catalog/volumes/copied-volumes.ts";
import type { Checker, Fact } from "../../../actors/promises/facts.ts";
import { copiesHoldBoth } from "../../../actors/promises/v13-copies-hold-both.ts";
import type { RowChange } from "../../../actors/records/rows.ts";
import { volume } from "../../../protocol/volume.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";

/** Facts have only the fields that these checkers read. */
const factOf = (some: object): Fact => some as Fact;
const committed = (...rows: readonly RowChange[]): Fact =>
  factOf({ kind: "committed", atMs: 1, by: "c1", result: { kind: "committed" }, commit: { rows } });
const found = (checker: Checker, ...facts: readonly Fact[]) => facts.flatMap((fact) => checker.see(fact));

const row = (id: string, more: object = {}) =>
  ({
    ...{ id, project: "demo", name: id, description: null, sizeGib: 1, source: null, imageId: null },
    ...{ storageId: "s", hostId: null, instanceId: null, epoch: 3, made: true, createdAtMs: 1, version: 1 },
    ...more,
  }) satisfies RowOf<typeof volume>;
const source = row("source");
const copy = row("copy", { instanceId: "source", epoch: 1, made: false });
const made = (one: RowOf<typeof volume>): RowChange => ({ resource: volume, made: one });
const begun = [made(copy), ...copyBegun(source, copy)];
const copyRow = { ...{ id: "copy", sourceId: "source", sourceEpoch: 4, epoch: 1, sizeGib: 1 } };
const end = copyMade({
  ...{ ...copyRow, project: "demo", name: "copy", storageId: "s", hostId: null, createdAtMs: 1, version: 1 },
});
const removed: RowChange = { resource: volume, removed: "copy" };
const without = (rows: readonly RowChange[], id: string) =>
  rows.filter((change) => !("patched" in change && change.patched === id));

describe("V13: copies hold both", () => {
  it("holds where both are held until the copy is there, or is given up", () => {
    const first = committed(made(source));
    expect(found(copiesHoldBoth(), first, committed(...begun), committed(...end))).to.deep.equal([]);
    const given = committed(...copyGivenUp(copy), removed);
    expect(found(copiesHoldBoth(), first, committed(...begun), given)).to.deep.equal([]);
  });

  it("holds where an instance has a volume", () => {
    const attached: RowChange = {
      ...{ resource: volume, patched: "source", whereHas: {}, set: { instanceId: "vm", epoch: 4 } },
    };
    expect(found(copiesHoldBoth(), committed(made(source)), committed(attached))).to.deep.equal([]);
  });

  it("is broken where the source is free, or the copy is, before the copy is there", () => {
    const first = committed(made(source));
    expect(found(copiesHoldBoth(), first, committed(...without(begun, "source")))).to.have.length(1);
    const free: RowChange = { resource: volume, patched: "copy", whereHas: {}, set: { instanceId: null } };
    expect(found(copiesHoldBoth(), first, committed(...begun), committed(free))).to.have.length(1);
  });

  it("is broken where one is held after the end, and where the end never comes", () => {
    const first = [committed(made(source)), committed(...begun)];
    expect(found(copiesHoldBoth(), ...first, committed(...without(end, "source")))).to.have.length(1);
    const given = committed(...without(copyGivenUp(copy), "source"), removed);
    expect(found(copiesHoldBoth(), ...first, given)).to.have.length(1);
    const volumes = { copies: [{ id: "copy", sourceId: "source" }] };
    expect(found(copiesHoldBoth(), factOf({ kind: "quiet", volumes }))).to.have.length(1);
  });
});
