/**
 * Several writers at one PostgreSQL, each with a connection of its own, given commits that contend for the
 * same rows: what each was answered, and all rows and events afterwards, must be what the store in memory
 * makes of the same commits in *some* order. Histories are small enough to try all orders. Commits that one
 * writer sends at once it may merge into one, in either order, which is then judged as one: two moves that
 * keep the rule of a group only together are committed then.
 */

import { MikroORM } from "@mikro-orm/postgresql";
import { expect } from "chai";
import fc from "fast-check";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult } from "../../actors/records/commit.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import { openStore, ormOptions } from "../../db/postgres/connect.ts";
import { sqlFunctions } from "../../db/postgres/functions.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { type History, serialOrders } from "../support/serial-orders.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { everything, resultOf } from "../support/store-everything.ts";
import { rowsOf } from "../support/store-resources.ts";
import * as rows from "../support/store-rows.ts";

const clock = { ...systemClock, nowMs: () => rows.wallMs };
const writers = 3;
const tables = `instance, machine, claim, operation, request, event, host, host_numa_node, host_seen,
  host_lease, storage, flavor, image, image_member, aggregate, aggregate_host, server_group, quota,
  volume, deleted_volume`;

/** A commit, and whether its writer waits for the one before. */
const step = fc.record({
  kind: fc.constantFrom(
    ...(["create", "create", "member", "change", "move", "delete", "image", "flavor", "group"] as const),
    ...(["quota", "join", "join", "fence", "grant", "break", "break", "shrink", "remove"] as const),
  ),
  instance: fc.nat(2),
  host: fc.nat(2),
  amount: fc.nat(1),
  waits: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const histories = fc
  .array(fc.array(step, { minLength: 1, maxLength: 2 }), { minLength: writers, maxLength: writers })
  .map((lists) => lists.map(wavesOf));

function wavesOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const waves: Step[][] = [];
  for (const one of steps) {
    if (one.waits || waves.length === 0) waves.push([one]);
    else waves.at(-1)?.push(one);
  }
  return waves;
}

/** Hosts with leases and failed builds, aggregates, two groups, and two instances in one of them. */
function setUp(prefix: string): readonly Commit[] {
  const hostIds = [0, 1, 2].map((n) => `${prefix}-h${n}`);
  const aggregate = { metadata: {}, createdAtMs: rows.wallMs };
  const made = { project: prefix, createdAtMs: rows.wallMs };
  return [
    rows.catalog,
    rowsOf({
      images: [{ ...rows.image, id: `${prefix}-m`, name: `${prefix}-m` }],
      flavors: [{ ...rows.flavor, id: `${prefix}-f`, name: `${prefix}-f` }],
    }),
    {
      hosts: hostIds.map((hostId) => rows.inventory(hostId, { vcpus: 3 })),
      leasesGranted: hostIds.map((hostId) => ({ hostId, leaseEpoch: 1 })),
    },
    {
      buildsEnded: hostIds.flatMap((hostId) =>
        [1, 2].map((n) => ({ hostId, failed: true, project: `p${n}`, imageId: `i${n}` })),
      ),
    },
    {
      ...rowsOf({
        aggregates: [0, 1].map((n) => ({
          ...{ id: `${prefix}-a${n}`, name: `${prefix}-a${n}`, availabilityZone: `z${n}` },
          ...aggregate,
        })),
        serverGroups: [
          { id: `${prefix}-g`, name: "g", policy: "anti-affinity", maxPerHost: null, ...made },
          { id: `${prefix}-t`, name: "t", policy: "affinity", maxPerHost: null, ...made },
        ],
      }),
      quotas: [{ project: prefix, instances: 3 }],
    },
    bornIn(prefix, 0, 0, { serverGroupId: `${prefix}-t` }),
    bornIn(prefix, 1, 0, { serverGroupId: `${prefix}-t` }),
  ];
}

function bornIn(prefix: string, instance: number, host: number, changes: object): Commit {
  const {
    instances = [],
    claims = [],
    ...rest
  } = rows.createTurn(`${prefix}-i${instance}`, `${prefix}-h${host}`);
  return {
    ...rest,
    instances: instances.map((one) => ({ ...one, row: { ...one.row, project: prefix, ...changes } })),
    claims: claims.map((claim) => ({ ...claim, leaseEpoch: 1 })),
  };
}

/** The commit of a step, decided on what was there before any of them. */
function turnOf(prefix: string, it: Step): Commit {
  const [hostId, aggregateId] = [`${prefix}-h${it.host}`, `${prefix}-a${it.amount}`];
  const { image, flavor } = rows.instance("");
  const [id, groupId] = [`${prefix}-i${it.instance % 2}`, `${prefix}-g`];
  const [before] = bornIn(prefix, it.instance % 2, 0, { serverGroupId: `${prefix}-t` }).instances ?? [];
  const row = before?.row ?? rows.instance(id);
  const held = { claimsReleased: [{ instanceId: id, ownerEpoch: 1 }] };
  const born = (changes: object) => bornIn(prefix, 2 + it.instance, it.host, changes);
  const proof = { kind: "operator", by: "someone", reason: "off", confirmedName: hostId, atMs: 1 } as const;
  switch (it.kind) {
    case "create":
      return born({
        image: { ...image, id: it.amount === 0 ? `${prefix}-m` : image.id },
        flavor: { ...flavor, id: it.amount === 0 ? flavor.id : `${prefix}-f` },
      });
    case "member":
      return born({ serverGroupId: groupId });
    case "change":
      return rows.changeTurn(rows.next(row, { metadata: { a: "b" } }), { events: [rows.event(id)] });
    case "move": {
      const claims = [rows.claim(id, hostId, { ownerEpoch: 2, leaseEpoch: 1 })];
      return rows.changeTurn(rows.next(row, { hostId, ownerEpoch: 2 }), { ...held, claims });
    }
    case "delete":
      return rows.changeTurn(rows.deleted(row, rows.wallMs), {
        ...held,
        events: [rows.event(id, "deleted")],
      });
    case "image":
      return rowsOf({ imagesRemoved: [`${prefix}-m`] });
    case "flavor":
      return rowsOf({ flavorsRemoved: [`${prefix}-f`] });
    case "group":
      return rowsOf({ serverGroupsRemoved: [groupId] });
    case "quota":
      return { quotas: [{ project: prefix, instances: 2 + it.amount }] };
    case "join":
      return { aggregateHosts: [{ aggregateId, hostId: `${prefix}-h0` }] };
    case "fence":
      return { leasesFenced: [{ hostId, leaseEpoch: 1, renewals: null, proof }] };
    case "grant":
      return { leasesGranted: [{ hostId, leaseEpoch: 2 }] };
    case "break":
      return { hostsEnabled: [{ hostId, enabled: false, reason: "fails", failedBuildsMin: 2 }] };
    case "shrink":
      return { hosts: [rows.inventory(hostId, { vcpus: 1 + it.amount })] };
    case "remove":
      return { hostsRemoved: [{ hostId, parked: it.amount === 1 }] };
  }
}

interface Did {
  readonly commit: Commit;
  readonly answer: CommitResult | string;
}

/** Numbers of events count from the beginning of the history. */
const counted = (answer: CommitResult | string, base: number): CommitResult | string =>
  typeof answer === "string" || answer.kind !== "committed" || answer.lastSequence === 0
    ? answer
    : { ...answer, lastSequence: answer.lastSequence - base };

async function seen(store: Store, prefix: string, base: number): Promise<unknown> {
  const { events, ...rest } = await everything(store, prefix, base);
  const numbered = events.events.map((event) => ({ ...event, sequence: event.sequence - base }));
  return { ...rest, events: numbered };
}

async function afterSetUp(store: Store, prefix: string): Promise<number> {
  for (const commit of setUp(prefix)) expect((await store.commit(commit)).kind).to.equal("committed");
  return store.events.lastSequence();
}

const same = (left: unknown, right: unknown): boolean => {
  try {
    expect(left).to.deep.equal(right);
    return true;
  } catch {
    return false;
  }
};

/** What is committed as one: a commit, or those of a wave that their writer merged (decision 0002). */
type Unit = readonly Did[];

/** Each wave apart, and each as one where that can be: every combination. */
function readings([waves = [], ...others]: History<Did>): readonly History<Unit>[] {
  const own = waves.reduce<readonly (readonly (readonly Unit[])[])[]>(
    (known, wave) => {
      const apart = wave.map((one) => [one]);
      const requests = wave.filter(({ commit }) => commit.request !== undefined).length;
      // What a client asked for and the system's own wait in two lines, which take turns in being first.
      const merged = wave.length > 1 && requests < 2 ? [[wave], [wave.toReversed()]] : [];
      const ways: readonly (readonly Unit[])[] = [apart, ...merged];
      return known.flatMap((before) => ways.map((way) => [...before, way]));
    },
    [[]],
  );
  if (others.length === 0) return own.map((one) => [one]);
  return readings(others).flatMap((later) => own.map((one) => [one, ...later]));
}

/** Merges several commits into one. */
function mergedCommit(commits: readonly Commit[]): Commit {
  const lists = new Map<string, unknown[]>();
  for (const { request: _, ...commit } of commits)
    for (const [name, list] of Object.entries(commit)) lists.set(name, [...(lists.get(name) ?? []), ...list]);
  const request = commits.find((commit) => commit.request !== undefined)?.request;
  return { ...Object.fromEntries(lists), ...(request === undefined ? {} : { request }) };
}

async function answersAlike(memory: Store, unit: Unit, base: number): Promise<boolean> {
  const result = counted(await resultOf(memory, mergedCommit(unit.map(({ commit }) => commit))), base);
  if (unit.length === 1) return same(result, unit[0]?.answer);
  if (typeof result === "string" || result.kind !== "committed") return false;
  let sequence =
    result.lastSequence - unit.reduce((sum, { commit }) => sum + (commit.events?.length ?? 0), 0);
  return unit.every(({ commit: { events = [] }, answer }) => {
    sequence += events.length;
    return same(answer, { kind: "committed", lastSequence: events.length === 0 ? 0 : sequence });
  });
}

/** Whether the store in memory answers and ends alike when it is given them in this order. */
async function explains(order: readonly Unit[], prefix: string, found: unknown): Promise<boolean> {
  const memory = new MemoryStore(clock);
  const base = await afterSetUp(memory, prefix);
  for (const unit of order) if (!(await answersAlike(memory, unit, base))) return false;
  return same(await seen(memory, prefix, base), found);
}

describe("several writers at one PostgreSQL", function () {
  this.timeout(240_000);
  let stores: readonly Store[] = [];
  let orm: MikroORM;
  let runs = 0;
  const execute = async (sql: string) => orm.em.getConnection().execute(sql);

  before(async function () {
    const url = await postgresUrl(this);
    const open = async () => openStore({ url, clock, log: silentLog });
    stores = [await open(), ...(await Promise.all([open(), open()]))];
    orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  });
  after(async () => {
    await orm?.close(true);
    await Promise.all(stores.map(async (store) => store.close()));
  });

  /** Every writer does its waves; answers what happened, and whether some order explains it. */
  async function run(history: History<Commit>, prefix: string): Promise<readonly Did[] | undefined> {
    const [first] = stores;
    if (first === undefined) throw new Error("unreachable");
    await execute(`truncate ${tables}`);
    const base = await afterSetUp(first, prefix);
    const did = await Promise.all(
      history.map(async (waves, writer) => {
        const done: Did[][] = [];
        for (const wave of waves) {
          const answers = wave.map(async (commit) => {
            const answer = await resultOf(stores[writer] ?? first, commit);
            return { commit, answer: counted(answer, base) };
          });
          done.push(await Promise.all(answers));
        }
        return done;
      }),
    );
    const found = await seen(first, prefix, base);
    for (const reading of readings(did))
      for (const order of serialOrders(reading)) if (await explains(order, prefix, found)) return undefined;
    return did.flat(2);
  }

  it("leaves what some serial order of the same commits leaves", async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`      SEED=${seed}`);
    const kinds = new Map<string, number>();
    const serial = fc.asyncProperty(histories, async (history) => {
      runs += 1;
      const prefix = `run${runs}`;
      const commits = history.map((waves) => waves.map((wave) => wave.map((it) => turnOf(prefix, it))));
      const unexplained = await run(commits, prefix);
      const answers = unexplained?.map(({ commit, answer }) => JSON.stringify({ answer, commit }));
      expect(answers, "no order explains it").to.equal(undefined);
      for (const { kind } of history.flat(2)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    });
    await fc.assert(serial, { seed, numRuns: 80, endOnFailure: true });
    expect(kinds.size).to.be.greaterThan(10);
  });

  it("would be seen to leave something else, did commits not stand in line", async () => {
    const commit = sqlFunctions().find(({ name }) => name === "novact_commit");
    const text = commit?.text ?? "";
    const line = "select last_sequence into strict before from event_head for update;";
    const end = "  if newest > before then";
    expect(text).to.contain(line).and.to.contain(end);
    // Every writer looks at its commits before any commit is done.
    const loose = text
      .replace(line, line.replace(" for update", ""))
      .replace(end, `  perform pg_sleep(0.05);\n${end}`);
    await execute(loose);
    try {
      const race = (kind: "break" | "change"): History<Step> =>
        [0, 1].map((n) => [[{ kind, instance: n, host: n, amount: n, waits: true }]]);
      for (const history of [race("break"), race("change")]) {
        runs += 1;
        const prefix = `loose${runs}`;
        const commits = history.map((waves) => waves.map((wave) => wave.map((it) => turnOf(prefix, it))));
        expect(await run(commits, prefix)).to.have.length(2);
      }
    } finally {
      await execute(text);
    }
  });
});
