/** Rows that another version of a plug-in wrote, and resources that it does not have. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import {
  checkedReads,
  ownRows,
  readableRows,
  reader,
} from "../../../../actors/control/extensions/own-rows.ts";
import { MemoryStore } from "../../../../db/memory/store.ts";
import { systemClock } from "../../../../nodes/process/clock.ts";
import { type ResourceRow, resource } from "../../../../protocol/wire/resource.ts";
import { refused } from "../../../support/asking.ts";
import { flag, note } from "../../../support/toy-extension.ts";

describe("the rows of a plug-in", () => {
  const before = resource({
    ...flag,
    fields: { color: Type.String() },
    limit: { most: 10, of: "project" },
  });
  const territory = { plugin: "acme", resources: [flag], nouns: new Set(["signal-flag"]) };
  const said: object[] = [];
  const log = {
    ...{ debug: () => undefined, info: () => undefined, error: () => undefined },
    warn: (fields: object) => said.push(fields),
  };

  const written = async () => {
    const store = new MemoryStore(systemClock);
    const row = (id: string, fields: object): ResourceRow =>
      ({ ...{ id, name: id, project: "demo", createdAtMs: 1, version: 1 }, ...fields }) as ResourceRow;
    const good = { color: "red", raised: true, remark: null };
    const made = [
      { resource: flag, made: row("a", good) },
      { resource: flag, made: row("d", good) },
      { resource: before, made: row("b", { color: "green" }) },
      { resource: before, made: row("c", { color: "green" }) },
    ];
    for (const one of made) expect((await store.commit({ rows: [one] })).kind).to.equal("committed");
    return { territory, rows: store.rows, log };
  };
  const context = { project: "demo", id: "", requestId: "r" } as never;

  it("that fit its schema no more are left out of lists, which go on behind them, and told once", async () => {
    const world = await written();
    said.length = 0;
    const rows = ownRows(world);
    const idsOf = async (limit: number, marker?: string) => {
      const query = { limit, ...(marker === undefined ? {} : { marker }) };
      return (await rows.list(flag, context, query)).map(({ id }) => id);
    };
    expect(await idsOf(10)).to.deep.equal(["a", "d"]);
    expect(await idsOf(2)).to.deep.equal(["a", "d"]);
    expect(await idsOf(1, "a")).to.deep.equal(["d"]);
    expect(said).to.have.length(2);
    expect(said[0]).to.include({ plugin: "acme", noun: "signal-flag", id: "b" });
  });

  it("that fit its schema no more are refused by name, with what to do", async () => {
    const world = await written();
    const error = await refused(ownRows(world).find(flag, context, "b"));
    expect(error.toBody()).to.include({ code: "FAILED_PRECONDITION", reason: "unreadableRow" });
    expect(error.message).to.equal("The signal flag b cannot be read.");
    expect((await refused(ownRows(world).find(flag, context, "e"))).reason).to.equal("notFound");
  });

  it("are those of its own resources only", async () => {
    const world = await written();
    const reads = checkedReads(world);
    for (const attempt of [
      reads.called(note, "a"),
      reads.list(note, { limit: 1 }),
      reads.count(note, {}),
      reads.nextNumber(note),
    ])
      expect((await refused(attempt)).detail).to.equal("acme: it has no resource note in its parts");
  });

  it("are read page by page until there are enough", async () => {
    const world = await written();
    const pages: number[] = [];
    const counted = {
      list: (one: typeof flag, query: { readonly limit: number }) => {
        pages.push(query.limit);
        return world.rows.list(one, query);
      },
    };
    const query = { limit: 2, readable: reader(world) };
    const found = await readableRows(flag, counted as never, query);
    expect(found.map(({ id }) => id)).to.deep.equal(["a", "d"]);
    expect(pages).to.deep.equal([2, 2]);
  });
});
