/**
 * Commits while PostgreSQL goes away under load: every acknowledged commit is there, none is there twice or
 * in part, and no call hangs.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { MikroORM } from "@mikro-orm/postgresql";
import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import { openStore, ormOptions } from "../../db/postgres/connect.ts";
import { postgresLimits } from "../../db/postgres/limits.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../nodes/up/postgres.ts";
import { freePort } from "../../nodes/up/server-process.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { postgresUrl, skip } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { refusal } from "../support/store-contract.ts";
import * as rows from "../support/store-rows.ts";

async function open(url: string, clock = systemClock): Promise<Store> {
  const store = await openStore({ url, clock, log: silentLog });
  await store.commit(rows.catalog);
  return store;
}

/**
 * Runs fast: the store's patience of 4 s is over before the driver's timer of 4 s. Else the timer may be a
 * fraction of a millisecond early, and the commit is rightly tried again, and committed.
 */
const fastClock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 1.02 };

interface Outcome {
  readonly acknowledged: Map<string, number>;
  readonly refused: Set<string>;
}

/** Creates instances one after the other until told to stop. */
async function load(store: Store, name: string, until: () => boolean, outcome: Outcome): Promise<void> {
  for (let n = 0; !until(); n += 1) {
    const id = `${name}-${n}`;
    try {
      const result = await store.commit(rows.createTurn(id));
      expect(result.kind, id).to.equal("committed");
      if (result.kind === "committed") outcome.acknowledged.set(id, result.lastSequence);
    } catch (error) {
      expect(error, id).to.have.property("reason", "storeUnavailable");
      outcome.refused.add(id);
      await pass(5);
    }
  }
}

/**
 * Every acknowledged commit is there under its number, once; a refused commit is there wholly or not at all.
 */
async function judge(store: Store, { acknowledged, refused }: Outcome): Promise<void> {
  const events = new Map<string, number[]>();
  let after = 0;
  for (let newest = await store.events.lastSequence(); after < newest; ) {
    const page = await store.events.list({ after, limit: 1_000 });
    for (const { id, sequence } of page.events) {
      after += 1;
      expect(sequence, "a gap").to.equal(after);
      events.set(id, [...(events.get(id) ?? []), sequence]);
    }
    newest = Math.max(newest, page.last);
  }
  for (const [id, sequence] of acknowledged)
    expect(events.get(id), id).to.deep.equal([sequence - 1, sequence]);
  for (const id of refused) {
    const loaded = await store.instances.load(id);
    expect(events.get(id) ?? [], id).to.have.length(loaded === undefined ? 0 : 2);
    expect(loaded?.claims ?? [], id).to.have.length(loaded === undefined ? 0 : 1);
  }
  const known = [...events.keys()].filter((id) => id !== "h1");
  expect(known.filter((id) => !acknowledged.has(id) && !refused.has(id))).to.deep.equal([]);
  const host = await store.hosts.get("h1");
  expect(host).to.include({ instances: known.length, vcpusClaimed: known.length });
  expect((await store.instances.onHost("h1")).length).to.equal(known.length);
}

const bigHost = rows.inventory("h1", { vcpus: 1e9, memoryMib: 1e9, diskGib: 1e9 });

describe("the PostgreSQL store under load", function () {
  this.timeout(120_000);

  it("loses and doubles nothing when its connections are cut again and again", async function () {
    const url = await postgresUrl(this);
    const stores = [await open(url), await open(url)];
    const [store, second] = stores;
    if (store === undefined || second === undefined) throw new Error("unreachable");
    await store.commit({ hosts: [bigHost] });
    const outcome: Outcome = { acknowledged: new Map(), refused: new Set() };
    let over = false;
    const work = Array.from({ length: 32 }, (_, n) =>
      load(stores[n % 2] ?? store, `w${n}`, () => over, outcome),
    );
    const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
    let cut = 0;
    for (let round = 0; round < 25; round += 1) {
      await pass(20 + (round % 5) * 15);
      const killed = await orm.em.getConnection().execute<unknown[]>(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`,
      );
      cut += killed.length;
    }
    over = true;
    await Promise.all(work);
    await judge(store, outcome);
    await orm.close(true);
    await Promise.all(stores.map(async (one) => one.close()));
    console.log(
      `      ${outcome.acknowledged.size} acknowledged, ${outcome.refused.size} refused, ${cut} connections cut`,
    );
    expect(cut).to.be.greaterThan(25);
    expect(outcome.refused.size, "PostgreSQL was always there").to.equal(0);
    expect(outcome.acknowledged.size).to.be.greaterThan(20);
  });

  it("fails in bounded time while PostgreSQL is down, and goes on by itself when it is back", async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    const directory = mkdtempSync(join(tmpdir(), "novact-store-"));
    chmodSync(directory, 0o711);
    const port = await freePort();
    const start = async (): Promise<PostgresServer> =>
      startPostgres({
        directory: join(directory, "pg"),
        port,
        logFile: join(directory, "log"),
        database: "novact",
      });
    let server = await start();
    const store = await open(server.url);
    try {
      await store.commit({ hosts: [bigHost] });
      const outcome: Outcome = { acknowledged: new Map(), refused: new Set() };
      let over = false;
      const work = Array.from({ length: 8 }, (_, n) => load(store, `w${n}`, () => over, outcome));
      await pass(200);
      process.kill(server.pid, "SIGKILL");
      await server.ended;
      const beganMs = performance.now();
      expect(await refusal(store.events.lastSequence())).to.equal("UNAVAILABLE");
      expect(performance.now() - beganMs).to.be.lessThan(postgresLimits.storePatienceMs + 1_000);
      await pass(postgresLimits.storeBackoffMsMax);
      const givenUpMs = performance.now();
      expect(await refusal(store.commit(rows.createTurn("late")))).to.equal("UNAVAILABLE");
      expect(await refusal(store.instances.get("late"))).to.equal("UNAVAILABLE");
      expect(performance.now() - givenUpMs).to.be.lessThan(1_000);
      over = true;
      await Promise.all(work);
      server = await start();
      await pass(2 * postgresLimits.storeBackoffMsMax);
      expect((await store.commit(rows.createTurn("again"))).kind).to.equal("committed");
      outcome.acknowledged.set("again", await store.events.lastSequence());
      await judge(store, outcome);
    } finally {
      await store.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("waits for a restart that is short enough, without telling its callers", async function () {
    if (findPostgres() === undefined) skip(this, "no PostgreSQL server is installed (postgresql)");
    const directory = mkdtempSync(join(tmpdir(), "novact-store-"));
    chmodSync(directory, 0o711);
    const port = await freePort();
    const start = async (): Promise<PostgresServer> =>
      startPostgres({
        directory: join(directory, "pg"),
        port,
        logFile: join(directory, "log"),
        database: "novact",
      });
    let server = await start();
    const store = await open(server.url);
    try {
      await store.commit({ hosts: [bigHost] });
      await server.stop();
      const [starting, committed, read] = [
        start(),
        store.commit(rows.createTurn("a")),
        store.events.lastSequence(),
      ];
      server = await starting;
      expect((await committed).kind).to.equal("committed");
      expect(await read).to.be.lessThan(3);
    } finally {
      await store.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("fences off a batch that hung, so that it cannot be applied after its caller was told", async function () {
    const url = await postgresUrl(this);
    const store = await open(url, fastClock);
    const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
    await store.commit(rows.changeTurn(rows.instance("first")));
    const [writer] = await orm.em
      .getConnection()
      .execute<{ pid: number }[]>(
        `select pid from pg_stat_activity where datname = current_database() and query like 'select novact_commit%'`,
      );
    const pid = writer?.pid ?? 0;
    expect(pid).to.be.greaterThan(1);
    process.kill(pid, "SIGSTOP");
    try {
      const hung = refusal(store.commit(rows.changeTurn(rows.instance("hung"))));
      await pass(100);
      const behind = refusal(store.commit(rows.changeTurn(rows.instance("behind"))));
      expect(await hung).to.equal("UNAVAILABLE");
      await behind.catch(() => "committed after all, in a batch of its own");
      expect((await store.commit(rows.changeTurn(rows.instance("after")))).kind).to.equal("committed");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await pass(300);
    expect(await store.instances.get("hung")).to.equal(undefined);
    expect((await store.commit(rows.changeTurn(rows.instance("hung")))).kind).to.equal("committed");
    await orm.close(true);
    await store.close();
  });

  it("fails the one commit of a batch whose numbers PostgreSQL cannot hold", async function () {
    const store = await open(await postgresUrl(this));
    const counts = [1, 1e300, 1.5, 2];
    const results = await Promise.all(
      counts.map(async (resetCount, n) => {
        try {
          return (await store.commit(rows.changeTurn(rows.instance(`i${n}`, { resetCount })))).kind;
        } catch (error) {
          return error instanceof StatusError ? error.code : error;
        }
      }),
    );
    expect(results).to.deep.equal(["committed", "INTERNAL", "INTERNAL", "committed"]);
    await store.close();
  });

  it("answers what waits when it is closed, and refuses what comes after", async function () {
    const url = await postgresUrl(this);
    const store = await open(url);
    const waiting = store.commit(rows.changeTurn(rows.instance("a")));
    await store.close();
    expect((await waiting).kind).to.equal("committed");
    expect(await refusal(store.commit(rows.changeTurn(rows.instance("b"))))).to.equal("UNAVAILABLE");
    expect(await refusal(store.instances.get("a"))).to.equal("UNAVAILABLE");
  });
});
