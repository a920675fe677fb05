/**
 * Databases that were there before: functions are replaced by what is new and by nothing that is old, tables
 * of before the first release are taken over or refused.
 */

import { MikroORM } from "@mikro-orm/postgresql";
import { expect } from "chai";
import { statements as release } from "../../db/migrations/0001-release.ts";
import { openStore, ormOptions } from "../../db/postgres/connect.ts";
import { readSchema } from "../../db/postgres/read-schema.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { image } from "../../protocol/image.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { called, rowsOf } from "../support/store-resources.ts";
import * as rows from "../support/store-rows.ts";

/** The names in novact_migration before the first release. */
const formerNames = [
  ...["0001-tables", "0002-commit", "0003-placement", "0004-lease", "0005-drain"],
  ...["0006-numa", "0007-aggregate-change", "0008-storage-lease", "0009-removals", "0010-placement"],
];
const formerTable = `create table novact_migration (
  id serial primary key, name varchar(255), executed_at timestamptz default current_timestamp
)`;
const formerFunctions = `create function novact_refuse() returns trigger language plpgsql as 'begin return new; end';
  create trigger event_unchanged before update on event for each row execute function novact_refuse();
  create function novact_former() returns bigint language sql as 'select 1'`;

describe("a database that was there before", function () {
  this.timeout(60_000);
  let url: string;
  let orm: MikroORM;
  const execute = async (sql: string) =>
    orm.em.getConnection().execute<Record<string, unknown>[]>(sql, [], "all");
  const names = async (): Promise<unknown[]> =>
    (await execute("select name from novact_migration order by name")).map(({ name }) => name);
  const open = async (log: Log = silentLog): Promise<void> => {
    await (await openStore({ url, clock: systemClock, log })).close();
  };
  const refusal = async (): Promise<string> => {
    try {
      await open();
    } catch (error) {
      if (error instanceof StatusError) return `${error.reason}: ${error.message}`;
      throw error;
    }
    throw new Error("It was opened.");
  };
  /** What the log says of functions when a store is opened. */
  const replaced = async (): Promise<unknown> => {
    const said: unknown[] = [];
    const hear = (fields: object) => {
      if ("functions" in fields) said.push(fields.functions);
    };
    await open({ ...silentLog, info: hear });
    return said[0];
  };
  /** As the last version before the first release left it. */
  const makeFormer = async (): Promise<void> => {
    for (const sql of [...release, formerFunctions, formerTable]) await execute(sql);
    for (const name of formerNames) await execute(`insert into novact_migration (name) values ('${name}')`);
  };

  beforeEach(async function () {
    url = await postgresUrl(this);
    orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  });
  afterEach(async () => {
    await orm?.close(true);
  });

  it("keeps its functions when they are the ones of this version", async () => {
    expect(await replaced()).to.include("novact_commit");
    expect(await replaced()).to.equal(undefined);
  });

  it("gets those whose text is another, and loses those that are no more, with their triggers", async () => {
    await open();
    const before = await readSchema(url);
    await execute(`create or replace function novact_progress() returns trigger language plpgsql as 'begin return new; end';
      update novact_function set hash = 'another' where name = 'novact_progress';
      create function novact_commit_one(changes jsonb) returns jsonb language sql as 'select changes';
      update novact_function set hash = 'another' where name = 'novact_commit_one';
      create function novact_former() returns trigger language plpgsql as 'begin return new; end';
      create trigger former before update on host for each row execute function novact_former();
      insert into novact_function (name, hash, schema) values ('novact_former', '', '0001-release')`);
    expect(await replaced()).to.deep.equal(["novact_commit_one", "novact_progress", "novact_former"]);
    expect(await readSchema(url)).to.equal(before);
  });

  it("gets all of them anew while commits are under way, and refuses none of these", async () => {
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    await store.commit({ ...rows.catalog, hosts: [rows.inventory("h1")] });
    let over = false;
    const work = [0, 1, 2].map(async (n) => {
      const kinds: string[] = [];
      while (!over) kinds.push((await store.commit(rows.createTurn(`w${n}-${kinds.length}`))).kind);
      return kinds;
    });
    for (let round = 0; round < 5; round += 1) {
      await execute("update novact_function set hash = 'another'");
      expect(await replaced()).to.include("novact_numa");
    }
    over = true;
    const kinds = (await Promise.all(work)).flat();
    expect(kinds.length).to.be.greaterThan(15);
    expect(new Set(kinds)).to.deep.equal(new Set(["committed"]));
    await store.close();
  });

  it("keeps its functions when it is of a newer version, and is served", async () => {
    await open();
    await execute(`insert into novact_migration (name, executed_at) values ('9999-later', now());
      update novact_function set hash = 'newer'`);
    expect(await replaced()).to.equal(undefined);
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    await store.commit(rows.catalog);
    expect((await store.commit(rows.changeTurn(rows.instance("i1")))).kind).to.equal("committed");
    await store.close();
  });

  it("numbers the hosts and operations that are there, in the order of their ids, and goes on from there", async () => {
    const inventories = ["h2", "h3", "h1"].map((host) => ({ hosts: [rows.inventory(host)] }));
    const begun = (id: string) =>
      rows.changeTurn(rows.instance(id), { operations: [rows.operation(id, id)] });
    const before = await openStore({ url, clock: systemClock, log: silentLog });
    for (const commit of [rows.catalog, ...inventories, ...["o2", "o3", "o1"].map(begun)])
      await before.commit(commit);
    await before.close();
    for (const table of ["host", "operation"])
      await execute(`alter table ${table} drop column number; drop sequence ${table}_number`);
    await execute("delete from novact_migration where name = '0008-numbers'");
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    await store.commit({ hosts: [rows.inventory("h0")], ...begun("o0") });
    const hosts = (await store.hosts.list({ limit: 9 })).map(({ id, number }) => [id, number]);
    const numbered = (await store.operations.list({ limit: 9 })).rows.map(({ operation }) => operation);
    const expected = (letter: string) => [4, 1, 2, 3].map((number, at) => [`${letter}${at}`, number]);
    expect(hosts).to.deep.equal(expected("h"));
    expect(numbered.map(({ id, number }) => [id, number])).to.deep.equal(expected("o"));
    await store.close();
  });

  const breaking = "insert into novact_breaking (name) values ('9999-later')";
  const outdated =
    "The database was brought up to date by a newer version that this one cannot work beside: start the newer version.";

  it("counts the disks on storages that hosts share where they are, and on no host any more", async () => {
    const placed = { hostId: "h1", ownerEpoch: 1, storageId: "s" };
    const before = await openStore({ url, clock: systemClock, log: silentLog });
    const hosts = ["h1", "h2"].map((host) => rows.inventory(host, { storageId: "s", diskGib: 50 }));
    for (const commit of [rows.catalog, { hosts }, rows.createTurn("own")]) await before.commit(commit);
    for (const id of ["i1", "i2"])
      await before.commit({
        instances: [{ expectedVersion: 0, row: rows.instance(id, placed) }],
        claims: [rows.claim(id)],
      });
    await before.close();
    // As the version before left it: nothing knows of storages, and their disks are claimed on hosts.
    await execute(`drop table storage; drop index host_storage_idx;
      drop function novact_storage cascade; drop function novact_storage_offered cascade;
      delete from novact_function where name like 'novact_storage%';
      delete from novact_migration where name = '0019-storages'`);
    expect(await execute("select disk_gib_claimed::int as gib from host where id = 'h1'")).to.deep.equal([
      { gib: 3 },
    ]);
    const after = await openStore({ url, clock: systemClock, log: silentLog });
    expect(await after.hosts.storageTotals()).to.deep.equal([
      { storageId: "s", diskGib: 50, diskGibClaimed: 2, diskGibCounted: 2 },
    ]);
    expect((await after.hosts.get("h1"))?.diskGibClaimed).to.equal(1);
    expect((await after.hosts.claimTotals()).map(({ diskGib }) => diskGib)).to.deep.equal([1]);
    await after.close();
  });

  it("is not served when a migration that it has seen breaks this version", async () => {
    await open();
    await execute(breaking);
    expect(await refusal()).to.equal(`storeUnavailable: ${outdated}`);
  });

  it("ends the controllers that are there when such a migration comes, before they write anything", async () => {
    const ends: string[] = [];
    const onOutdated = (sentence: string) => ends.push(sentence);
    const store = await openStore({ url, clock: systemClock, log: silentLog, onOutdated });
    const commit = async (id: string) => store.commit(rows.changeTurn(rows.instance(id)));
    await store.commit(rows.catalog);
    expect((await commit("i1")).kind).to.equal("committed");
    await execute(breaking);
    const tried = await Promise.allSettled(["i2", "i3"].map(commit));
    for (const one of tried) expect(one).to.have.nested.property("reason.message", outdated);
    await Promise.allSettled([commit("i4")]);
    expect(ends).to.deep.equal([outdated]);
    expect((await store.instances.list({ limit: 10 })).rows).to.have.length(1);
    await store.close();
  });

  it("is taken over from before the first release when its tables are the same, with what is in it", async () => {
    await makeFormer();
    await execute("update event_head set last_sequence = 7");
    await open();
    expect(await names())
      .to.include("0001-release")
      .and.not.include("0010-placement");
    expect(await readSchema(url)).to.not.contain("novact_former");
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    expect(await store.events.lastSequence()).to.equal(7);
    await store.close();
    const taken = await readSchema(url);
    url = await postgresUrl();
    await open();
    expect(taken).to.equal(await readSchema(url));
  });

  it("gets an image back that was removed while an instance of it was being made", async () => {
    await makeFormer();
    const row = rows.instance("i1", { image: { ...rows.instance("").image, id: "lost" } });
    const values = Object.entries(row).flatMap(([field, value]) => {
      // As it was called then (db/migrations/0003-words.ts).
      const former = field === "ownerEpoch" ? "epoch" : field;
      const name = former.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      return value === null ? [] : [[name, `'${text}'`] as const];
    });
    const [columnNames, texts] = [values.map(([name]) => name), values.map(([, text]) => text)];
    await execute(`insert into instance (${columnNames.join(", ")}) values (${texts.join(", ")})`);
    const store = await openStore({ url, clock: systemClock, log: silentLog });
    expect(await called(store, image, "lost")).to.deep.include({ ...rows.image, id: "lost", name: "lost" });
    expect(await store.commit(rowsOf({ imagesRemoved: ["lost"] }))).to.deep.equal({ kind: "inUse" });
    await store.close();
  });

  for (const [kind, change] of [
    ["an index is missing", "drop index host_name_idx"],
    ["a column is of another type", "alter table host alter column name type varchar(9)"],
    ["it is older than that", "delete from novact_migration where name = '0010-placement'"],
  ] as const)
    it(`is refused and left as it is when ${kind}`, async () => {
      await makeFormer();
      await execute(change);
      const [before, beforeNames] = [await readSchema(url), await names()];
      expect(await refusal()).to.equal(
        "storeUnavailable: The database was made by a version before the first release: " +
          "remove the state directory, or give this cluster a database of its own.",
      );
      expect(await readSchema(url)).to.equal(before);
      expect(await names()).to.deep.equal(beforeNames);
    });
});
