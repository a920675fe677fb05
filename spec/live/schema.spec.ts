/**
 * The tables on a real PostgreSQL: the migrations make what the entities describe, and the CHECKs refuse bad
 * rows.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MikroORM } from "@mikro-orm/postgresql";
import { expect } from "chai";
import { type OpenStoreOptions, openStore, ormOptions } from "../../db/postgres/connect.ts";
import { readSchema } from "../../db/postgres/read-schema.ts";
import { schemaText } from "../../db/postgres/schema-text.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import * as rows from "../support/store-rows.ts";

/** The message with which opening fails. */
async function failure(
  url: string,
  log: Log = silentLog,
  more: Pick<OpenStoreOptions, "together"> = {},
): Promise<string> {
  try {
    await (await openStore({ url, clock: systemClock, log, ...more })).close();
  } catch (error) {
    if (error instanceof StatusError) return error.message;
    throw error;
  }
  throw new Error("It was opened.");
}

describe("the tables", function () {
  this.timeout(60_000);
  let orm: MikroORM;
  let url: string;
  const execute = async (sql: string): Promise<unknown> => orm.em.getConnection().execute(sql);
  /** The constraint or trigger that refuses the statement. */
  const refusedBy = async (sql: string): Promise<unknown> => {
    try {
      await execute(sql);
    } catch (error) {
      return error instanceof Error && "constraint" in error ? error.constraint : error;
    }
    return undefined;
  };

  /** What would make the tables those of the entities. MikroORM knows only references of entities. */
  const difference = async (): Promise<string> => {
    const { up } = await orm.schema.getUpdateSchemaMigrationSQL({ wrap: false });
    const lines = up
      .split("\n")
      .filter((line) => !/^alter table "\w+" drop constraint "\w+_reference";$/.test(line));
    return lines.join("\n").trim();
  };

  const numa = [{ vcpus: 2, memoryMib: 1_024, hugePages: [] }];

  before(async function () {
    url = await postgresUrl(this);
    const stores = await Promise.all(
      [1, 2, 3].map(async () => openStore({ url, clock: systemClock, log: silentLog })),
    );
    await stores[0]?.commit({ hosts: [rows.inventory("h1", { vcpus: 2, numa })] });
    await stores[0]?.commit(rows.catalog);
    const row = rows.instance("i1", { generation: 3, ownerEpoch: 2, built: true });
    const done = rows.operation("o1", "i1", { state: "done", endedAtMs: 1 });
    await stores[0]?.commit(
      rows.changeTurn(row, {
        machines: [rows.machine("i1", { generation: 5 })],
        claims: [rows.claim("i1")],
        operations: [done],
        events: [rows.event("i1")],
      }),
    );
    await Promise.all(stores.map(async (store) => store.close()));
    orm = await MikroORM.init(ormOptions(url, { max: 2, connectionTimeoutMillis: 5_000 }));
  });
  after(async () => {
    await orm?.close(true);
  });

  it("are what the entities describe, made once although three controllers started at once", async () => {
    expect(await difference()).to.equal("");
    const names = await orm.em
      .getConnection()
      .execute<{ name: string }[]>("select name from novact_migration");
    expect(names.map(({ name }) => name)).to.deep.equal([
      "0001-release",
      "0002-references",
      "0003-words",
      "0004-resources",
      "0005-key-pair",
      "0006-host-operations",
      "0007-locks",
      "0008-numbers",
      "0009-extension-rows",
      "0010-host-drivers",
      "0011-shapes",
      "0012-guest-data",
      "0013-networks",
      "0014-interfaces",
      "0015-published-ports",
      "0016-routers",
      "0017-port-bandwidth",
      "0018-image-owners",
      "0019-storages",
      "0020-image-bytes",
      "0021-volumes",
      "0022-volume-copies",
      "0023-local-disks",
    ]);
  });

  it("are with their functions what db/schema.sql says", async () => {
    const written = readFileSync(join(import.meta.dirname, "../../db/schema.sql"), "utf8");
    expect(await readSchema(url), "run `npm run schema`").to.equal(written);
  });

  it("would be seen to differ, were a CHECK or an index missing", async () => {
    await execute("alter table host drop constraint host_capacity_check");
    await execute("drop index instance_unsettled_idx");
    const up = await difference();
    expect(up).to.contain("host_capacity_check").and.to.contain("instance_unsettled_idx");
    await execute(up);
  });

  it("would be seen to differ from it in a trigger, a function's word, a column's order or a reference", async () => {
    const before = await readSchema(url);
    const changes = [
      "drop trigger event_unchanged on event",
      "create or replace function novact_progress() returns trigger language plpgsql as 'begin return null; end'",
      "alter table aggregate drop column metadata; alter table aggregate add column metadata jsonb not null",
      "alter table host_seen add foreign key (host_id) references host",
    ];
    const alone = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
    const run = async (sql: string) => alone.em.getConnection().execute(sql);
    for (const change of changes) {
      await run(`begin; ${change}`);
      const after = await schemaText(run);
      await run("rollback");
      expect(after, change).not.to.equal(before);
    }
    await alone.close(true);
    expect(await readSchema(url)).to.equal(before);
  });

  it("refuse what would break an invariant, whoever writes it", async () => {
    const refused = [
      ["update host set vcpus_claimed = 3", "host_capacity_check"],
      ["update host set disk_gib_claimed = -1", "host_claimed_check"],
      ["update host set pinned_cpus = real_cpus + 1", "host_pinned_check"],
      ["update host_numa_node set claimed = total + 1", "host_numa_node_claimed_check"],
      ["update instance set version = version + 2", "instance_progress"],
      ["update instance set version = version + 1, generation = 2", "instance_progress"],
      ["update instance set version = version + 1, owner_epoch = 1", "instance_progress"],
      ["update instance set version = version + 1, shape = '{}'", "instance_progress"],
      ["delete from image", "instance_image_reference"],
      ["delete from host", "host_numa_node_host_reference"],
      ["update instance set version = version + 1, state = 'deleted'", "instance_deleted_check"],
      ["update machine set generation = 4", "machine_progress"],
      ["update operation set state = 'running', ended_at_ms = null", "operation_progress"],
      ["update operation set ended_at_ms = null", "operation_ended_check"],
      ["update claim set owner_epoch = 0", "claim_epoch_check"],
      ["update event set body = '{}'", "event_unchanged"],
      ["update event_head set last_sequence = 0", "event_head_progress"],
      ["insert into event_head values (false, 0, 0)", "event_head_single_check"],
    ] as const;
    for (const [sql, by] of refused) expect(await refusedBy(sql), sql).to.equal(by);
  });
});

describe("opening the store", function () {
  this.timeout(60_000);
  let url: URL;
  before(async function () {
    url = new URL(await postgresUrl(this));
  });
  const variant = (changes: Partial<URL>): string => Object.assign(new URL(url.href), changes).href;

  it("makes a database that is missing", async () => {
    const missing = variant({ pathname: "/made-by-the-store" });
    const stores = await Promise.all(
      [1, 2].map(async () => openStore({ url: missing, clock: systemClock, log: silentLog })),
    );
    expect(await stores[0]?.events.lastSequence()).to.equal(0);
    await Promise.all(stores.map(async (store) => store.close()));
  });

  it("says what is wrong, and never the password", async () => {
    const said: string[] = [];
    const hear = (fields: object, message: string): undefined => {
      said.push(`${message} ${JSON.stringify(fields)}`);
    };
    const log = { debug: hear, info: hear, warn: hear, error: hear };
    said.push(await failure(variant({ password: "open-sesame" }), log));
    expect(said.at(-1)).to.contain(`the password of user "${url.username}" is wrong`);
    said.push(await failure(variant({ port: "1" }), log));
    expect(said.at(-1)).to.contain("nothing listens there").and.to.contain("127.0.0.1:1");
    said.push(await failure(variant({ pathname: "" }), log));
    expect(said.at(-1)).to.contain("names no database");
    said.push(await failure("not a url", log));
    for (const line of said) expect(line).not.to.contain("open-sesame").and.not.to.contain(url.password);
  });

  it("says so when the database is missing and may not be made", async () => {
    const store = await openStore({ url: url.href, clock: systemClock, log: silentLog });
    const orm = await MikroORM.init(ormOptions(url.href, { max: 1, connectionTimeoutMillis: 5_000 }));
    await orm.em.getConnection().execute("create role plain login password 'plain' nocreatedb");
    const attempt = variant({ username: "plain", password: "plain", pathname: "/nothing" });
    expect(await failure(attempt)).to.contain('does not exist, and user "plain" may not create it');
    await orm.em.getConnection().execute("drop role plain");
    await orm.close(true);
    await store.close();
  });

  it("says at the start which bound leaves too few connections to all controllers, and by how much", async () => {
    const orm = await MikroORM.init(ormOptions(url.href, { max: 1, connectionTimeoutMillis: 5_000 }));
    const execute = (sql: string) => orm.em.getConnection().execute(sql);
    const [{ max = 0 } = {}] = await execute("select current_setting('max_connections')::int as max");
    const needing = (href: string, controllers: number) =>
      failure(href, silentLog, { together: { controllers, connections: controllers * 10 } });
    const tooMany = max / 10 + 1;
    expect(await needing(url.href, tooMany)).to.include(
      `leaves ${max} connections to us, and ${tooMany} controllers may need ${max + 10}, 10 each: ` +
        `raise max_connections by 10, or set controllers in cluster.yaml to ${max / 10}.`,
    );
    await execute("create role few login password 'few' connection limit 9");
    const few = variant({ username: "few", password: "few" });
    expect(await needing(few, 1)).to.match(/raise the connection limit of its user by 1\.$/);
    await execute("alter role few connection limit -1");
    const database = url.pathname.slice(1);
    await execute(`alter database ${database} connection limit 25`);
    expect(await needing(few, 3)).to.include("raise the connection limit of the database by 5, or");
    // Enough: what is wrong now is that this user may make no tables.
    expect(await needing(few, 2)).to.not.include("raise");
    await execute(`alter database ${database} connection limit -1`);
    await execute("drop role few");
    await orm.close(true);
  });
});
