/** What every Store must do with the rows of plug-ins; a part of the contract in store-contract.ts. */
import { Type } from "@sinclair/typebox";
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { Resource, ResourceRow } from "../../protocol/wire/resource.ts";
import { resource } from "../../protocol/wire/resource.ts";
import { called } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";
import { flag, note, window } from "./toy-extension.ts";

const made = (one: Resource, ...all: readonly object[]): Commit => ({
  rows: all.map((row) => ({
    resource: one,
    made: { createdAtMs: rows.wallMs, version: 1, ...row } as ResourceRow,
  })),
});
const changed = (one: Resource, row: object): Commit => ({
  rows: [{ resource: one, changed: row as ResourceRow }],
});
const removed = (one: Resource, ...ids: readonly string[]): Commit => ({
  rows: ids.map((id) => ({ resource: one, removed: id })),
});

export function extensionContract(get: () => Store, another: () => Promise<Store>): void {
  const red = { color: "red", raised: true };

  it("keeps rows of plug-ins with their fields, and finds them by id, name and owner", async () => {
    const [store, { id, project }] = [get(), names()];
    const first = { id: id(1), project, name: "one", ...red, remark: "a\n\"quoted\" 'remark'" };
    const second = { id: id(2), project, name: "two", color: "blue", raised: false };
    expect((await store.commit(made(flag, first, second))).kind).to.equal("committed");
    const kept = { createdAtMs: rows.wallMs, version: 1 };
    expect(await called(store, flag, "one", project)).to.deep.equal({ ...first, ...kept });
    expect(await called(store, flag, id(2), project)).to.deep.equal({ ...second, ...kept, remark: null });
    expect(await called(store, flag, id(1), `${project}-other`)).to.equal(undefined);
    const page = await store.rows.list(flag, { project, limit: 1 });
    expect(page.map((row) => row.id)).to.deep.equal([id(1)]);
    const next = await store.rows.list(flag, { project, limit: 5, marker: id(1) });
    expect(next.map((row) => row.id)).to.deep.equal([id(2)]);
    expect(await store.rows.list(flag, { project, name: "two", limit: 5 })).to.have.length(1);
    expect(await store.rows.count(flag, { project })).to.equal(2);
    expect(await store.rows.count(flag, { project: id(9) })).to.equal(0);
  });

  it("shows a row of a plug-in whole when that is asked for, with what this version does not know", async () => {
    const [store, { id, project }] = [get(), names()];
    const later = resource({ ...flag, fields: { ...flag.fields, tail: Type.String() } });
    await store.commit(made(later, { id: id(1), project, name: "one", ...red, remark: null, tail: "long" }));
    const [known] = await store.rows.list(flag, { project, limit: 5 });
    const [whole] = await store.rows.list(flag, { project, limit: 5, whole: true });
    expect(known).to.not.have.property("tail");
    expect(whole).to.deep.equal({ ...known, tail: "long" });
  });

  it("keeps unique names of plug-ins unique within their owner, and others not", async () => {
    const [store, { id, project }] = [get(), names()];
    const other = `${project}-other`;
    await store.commit(made(flag, { id: id(1), project, name: "one", ...red }));
    const twin = made(flag, { id: id(2), project, name: "one", ...red });
    expect(await store.commit(twin)).to.deep.equal({ kind: "nameTaken" });
    const sameId = made(flag, { id: id(1), project, name: "other", ...red });
    expect(await store.commit(sameId)).to.deep.equal({ kind: "nameTaken" });
    const elsewhere = made(flag, { id: id(3), project: other, name: "one", ...red });
    expect((await store.commit(elsewhere)).kind).to.equal("committed");
    await store.commit(made(flag, { id: id(4), project, name: "two", ...red }));
    const renamed = changed(flag, { id: id(4), project, name: "one", ...red, version: 2 });
    expect(await store.commit(renamed)).to.deep.equal({ kind: "nameTaken" });
    const hours = { hostId: "h", fromMs: 1, toMs: 2 };
    await store.commit(made(window, { id: id(5), name: id(5), ...hours }));
    const second = made(window, { id: id(6), name: id(5), ...hours });
    expect(await store.commit(second)).to.deep.equal({ kind: "nameTaken" });
    const of = { project, user: project, name: "same", words: ["a"] };
    const number = () => store.rows.nextNumber(note);
    const notes = made(
      note,
      { id: id(7), ...of, number: await number() },
      { id: id(8), ...of, number: await number() },
    );
    expect((await store.commit(notes)).kind).to.equal("committed");
    expect(await store.rows.called(note, "same", { project })).to.have.length(2);
  });

  it("changes and removes rows of plug-ins at their version, whatever other plug-ins have", async () => {
    const [store, { id, project }] = [get(), names()];
    const row = { id: id(1), project, name: "one", ...red, remark: null, createdAtMs: rows.wallMs };
    await store.commit(made(flag, row));
    const blue = { ...row, color: "blue", version: 2 };
    expect((await store.commit(changed(flag, blue))).kind).to.equal("committed");
    expect(await store.commit(changed(flag, { ...blue, raised: false }))).to.deep.equal({ kind: "conflict" });
    expect(await called(store, flag, id(1), project)).to.deep.equal(blue);
    const foreign = resource({ ...flag, plugin: "other" });
    expect(await called(store, foreign, id(1))).to.equal(undefined);
    expect(await store.commit(changed(foreign, { ...blue, version: 3 }))).to.deep.equal({ kind: "conflict" });
    expect(await store.commit(removed(foreign, id(1)))).to.deep.equal(rows.missing(flag.noun, id(1)));
    expect(await store.commit(removed(note, id(1)))).to.deep.equal(rows.missing(note.noun, id(1)));
    const both = await store.commit(removed(flag, id(1), id(2)));
    expect(both).to.deep.equal(rows.missing(flag.noun, id(2)));
    expect((await store.commit(removed(flag, id(1)))).kind).to.equal("committed");
    expect(await called(store, flag, id(1))).to.equal(undefined);
  });

  it("leaves absent what may be absent in rows of plug-ins, and takes it out again", async () => {
    const [store, { id, project }] = [get(), names()];
    const spare = Type.Optional(Type.String());
    const sparing = resource({ ...flag, fields: { color: Type.String(), spare } });
    const row = { id: id(1), project, name: "one", color: "red", createdAtMs: rows.wallMs };
    await store.commit(made(sparing, row));
    expect(await called(store, sparing, id(1))).to.deep.equal({ ...row, version: 1 });
    const filled = { ...row, spare: "a", version: 2 };
    expect((await store.commit(changed(sparing, filled))).kind).to.equal("committed");
    expect(await called(store, sparing, id(1))).to.deep.equal(filled);
    expect((await store.commit(changed(sparing, { ...row, version: 3 }))).kind).to.equal("committed");
    expect(await store.rows.list(sparing, { project, limit: 1 })).to.deep.equal([{ ...row, version: 3 }]);
  });

  it("keeps what another version of a plug-in has in a row that is changed", async () => {
    const [store, { id, project }] = [get(), names()];
    const newer = resource({ ...flag, fields: { ...flag.fields, height: Type.Integer() } });
    const row = { id: id(1), project, name: "one", ...red, remark: null, createdAtMs: rows.wallMs };
    await store.commit(made(newer, { ...row, height: 7 }));
    expect(await called(store, flag, id(1))).to.deep.equal({ ...row, version: 1 });
    const blue = { ...row, color: "blue", version: 2 };
    expect((await store.commit(changed(flag, blue))).kind).to.equal("committed");
    expect(await called(store, newer, id(1))).to.deep.equal({ ...blue, height: 7 });
  });

  it("lets no project have more rows of a plug-in than its quota, however many ask at once", async () => {
    const [store, { id, project }] = [get(), names()];
    const stores = [store, await another()];
    const one = (n: number) => made(flag, { id: id(n), project, name: `n${n}`, ...red });
    const results = await Promise.all([...Array(8).keys()].map((n) => stores[n % 2]?.commit(one(n))));
    expect(results.filter((result) => result?.kind === "committed")).to.have.length(3);
    const exceeded = { kind: "quotaExceeded", resource: "acme.signalFlags", limit: 3, used: 3, asked: 1 };
    for (const result of results.filter((result) => result?.kind !== "committed"))
      expect(result).to.deep.equal(exceeded);
    await store.commit({ quotas: [{ project, extensions: { "acme.signalFlags": 4 } }] });
    expect((await store.quotas.get(project)).extensions).to.deep.equal({ "acme.signalFlags": 4 });
    expect((await store.commit(one(10))).kind).to.equal("committed");
    expect(await store.commit(one(11))).to.deep.equal({ ...exceeded, limit: 4, used: 4 });
    await store.commit({ quotas: [{ project, extensions: { "acme.signalFlags": null } }] });
    expect((await store.quotas.get(project)).extensions).to.equal(undefined);
    expect(await store.commit(one(11))).to.deep.equal({ ...exceeded, used: 4 });
    const notes = [1, 2, 3].map((n) => ({
      id: id(20 + n),
      project,
      name: "n",
      words: [],
      number: 7_000 + n,
    }));
    const [first, second, third] = notes.map((row) => ({ ...row, number: undefined, user: "ann" }));
    expect((await store.commit(made(note, first ?? {}, second ?? {}))).kind).to.equal("committed");
    const full = await store.commit(made(note, third ?? {}));
    expect(full).to.deep.equal({ ...exceeded, resource: "acme.notes", limit: 2, used: 2 });
    expect((await store.commit(made(note, { ...third, user: "ben" }))).kind).to.equal("committed");
  });
}
