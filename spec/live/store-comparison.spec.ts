/**
 * Random commits to the store in memory and the one on PostgreSQL, side by side: every result and, at the
 * end, every row must be the same. Most commits are sound, many are not: stale versions, full hosts, names
 * taken, requests repeated.
 */

import { expect } from "chai";
import fc from "fast-check";
import type { Store } from "../../actors/ports/store.ts";
import type { ImageRecord } from "../../actors/records/catalog.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { ClaimRecord, InstanceRecord } from "../../actors/records/instance.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import { imageVisibilities } from "../../protocol/image.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import { postgresUrl } from "../support/services.ts";
import { silentLog } from "../support/silent-log.ts";
import { everything, ranked, rehearsalOf, resultOf } from "../support/store-everything.ts";
import { called, rowsOf } from "../support/store-resources.ts";
import * as rows from "../support/store-rows.ts";
import { toyChange } from "../support/toy-commits.ts";

/** One step: an instance, a host, a request and a name, and the action on them. */
const step = fc.record({
  kind: fc.constantFrom(
    "create",
    "bound",
    "change",
    "change",
    "observe",
    "move",
    "delete",
    "host",
    "steer",
    "steer",
    "remove",
    "member",
    "member",
    "placement",
    "catalog",
    "extension",
    "extension",
    "prune",
  ),
  instance: fc.nat(9),
  host: fc.nat(2),
  request: fc.nat(6),
  amount: fc.nat(3),
  /** 0: the right version; otherwise the version is off by this. */
  stale: fc.constantFrom(0, 0, 0, 0, -1, 1),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const hostOf = (prefix: string, { host }: Step): string => `${prefix}-h${host}`;

/**
 * Steps that are sent at once and committed in one transaction: none of them gives capacity back, so their
 * order is open.
 */
const group = fc.array(step, { minLength: 1, maxLength: 6 });
const together = (steps: readonly Step[]): boolean =>
  steps.every(
    ({ kind }) =>
      kind === "bound" || kind === "create" || kind === "change" || kind === "observe" || kind === "member",
  );

/** The commit of a step, made from the stored records: the same for both stores. */
async function commitOf(prefix: string, it: Step, store: Store): Promise<Commit> {
  const id = `${prefix}-i${it.instance}`;
  const known = await store.instances.load(id);
  const made = rows.instance(id, { project: prefix, version: 0, ...catalogOf(prefix, it) });
  const before = known?.instance ?? made;
  const write = (changes: Partial<InstanceRecord>, rest: Omit<Commit, "instances"> = {}): Commit =>
    rows.changeTurn(
      rows.next(before, { version: Math.max(1, before.version + 1 + it.stale), ...changes }),
      rest,
    );
  const hostId = hostOf(prefix, it);
  const ownerEpoch = before.ownerEpoch + 1;
  const request = rows.request(`r${it.request % 3}`, { project: prefix, answer: it });
  const released = (known?.claims ?? []).map((claim) => ({ instanceId: id, ownerEpoch: claim.ownerEpoch }));
  switch (it.kind) {
    case "create":
      return {
        ...toldSome(withRows(rows.createTurn(id, hostId), { ...catalogOf(prefix, it), ...zoneOf(it) }), it),
        request,
      };
    case "bound": {
      const claims = [rows.claim(id, hostId, boundTo(it))];
      return { ...rows.createTurn(id, hostId), request, claims };
    }
    case "change":
      return write(
        { metadata: { a: String(it.amount) }, settled: it.amount === 0 },
        { events: [rows.event(id)] },
      );
    case "observe": {
      const machine = rows.machine(id, { ownerEpoch: before.ownerEpoch, generation: it.amount });
      return write({}, it.stale === 0 ? { machines: [machine] } : { machinesGone: [machine] });
    }
    case "move": {
      const claims = Array.from({ length: it.amount }, (_, n) =>
        rows.claim(id, hostId, { ...(it.request > 3 ? boundTo(it) : {}), ownerEpoch: ownerEpoch + n }),
      );
      return write({ hostId, ownerEpoch: ownerEpoch + it.amount }, { claimsReleased: released, claims });
    }
    case "member": {
      const born = rows.createTurn(id, hostId);
      const grouped = { project: prefix, serverGroupId: `${prefix}-g${it.amount % 2}` };
      return { ...withRows(born, grouped), request };
    }
    case "delete":
      return { ...rows.changeTurn(rows.deleted(before, rows.wallMs)), claimsReleased: released };
    case "placement":
      return placementChanges(prefix, it, store);
    case "extension":
      return toyChange(prefix, it, store);
    case "steer":
      return steered(prefix, it, (await store.hosts.get(hostId))?.version ?? 1);
    default:
      return catalogCommit(prefix, it);
  }
}

const withRows = (commit: Commit, changes: Partial<InstanceRecord>): Commit => ({
  ...commit,
  instances: (commit.instances ?? []).map((one) => ({ ...one, row: { ...one.row, ...changes } })),
});

/** Some guests are told about themselves. */
function toldSome(commit: Commit, { amount }: Step): Commit {
  if (amount === 0) return commit;
  const guest = { hostname: "a", launchIndex: amount, keyName: null, configDrive: true, userDataBytes: 1 };
  const guestData = { publicKeys: [], userData: "A".repeat(amount * 4) };
  const told = withRows(commit, { guest });
  const instances = (told.instances ?? []).map((one) => ({ ...one, ...(amount > 1 ? { guestData } : {}) }));
  return { ...told, instances };
}

/** Now and then of an image or a flavor that comes and goes (catalogTurn). */
function catalogOf(prefix: string, { amount, request }: Step): Partial<InstanceRecord> {
  const { image, flavor } = rows.instance("");
  const id = `${prefix}-c${request}`;
  return {
    image: amount > 1 ? { ...image, id } : image,
    flavor: amount % 2 === 1 ? { ...flavor, id } : flavor,
  };
}

/** Now and then a zone, the default one as well. */
const zoneOf = ({ stale, amount }: Step): Partial<InstanceRecord> =>
  stale === 0 ? {} : { availabilityZone: stale === 1 ? `z${amount % 2}` : "nova" };

/** The part of a claim on the host's NUMA nodes: less or more than the host has, of one NUMA node or both. */
function boundTo({ amount, request, stale }: Step): Partial<ClaimRecord> {
  const page = stale === 0 ? {} : { pageKib: 2_048 };
  const nodes = request % 3 === 0 ? [0, 1] : [request % 3];
  const each = { vcpus: 1, memoryMib: amount * 32 + 2, ...page };
  const size = { vcpus: nodes.length, memoryMib: each.memoryMib * nodes.length };
  return { ...size, numa: { dedicated: request % 2 === 0, nodes: nodes.map((node) => ({ node, ...each })) } };
}

const numaOf = (amount: number) =>
  [2, amount].map((vcpus) => ({
    vcpus,
    memoryMib: 256,
    hugePages: [{ sizeKib: 2_048, total: amount * 16 }],
  }));

/** Which limit of a quota a step sets. */
const limitOf = ({ stale }: Step): string =>
  ({ "0": "instances", "1": "serverGroups" })[String(stale)] ?? "memoryMib";

/** Commits of groups, quotas, aggregates and builds; often of things that do not exist, or exist already. */
async function placementChanges(prefix: string, it: Step, store: Store): Promise<Commit> {
  const hostId = hostOf(prefix, it);
  const groupId = `${prefix}-g${it.amount % 2}`;
  const aggregateId = `${prefix}-a${it.amount % 2}`;
  const key = { aggregateId, hostId };
  const createdAtMs = rows.wallMs;
  switch (it.request) {
    case 0: {
      const policy = it.amount > 1 ? "affinity" : "anti-affinity";
      const maxPerHost = it.stale === 1 ? 2 : null;
      return rowsOf({
        serverGroups: [{ id: groupId, project: prefix, name: groupId, policy, maxPerHost, createdAtMs }],
      });
    }
    case 1:
      return rowsOf({ serverGroupsRemoved: [groupId] });
    case 2:
      return {
        quotas: [{ project: prefix, [limitOf(it)]: it.amount * (it.stale === 1 ? 1 : 64) - 1 }],
      };
    case 3: {
      const made = { id: aggregateId, name: aggregateId, availabilityZone: null, metadata: {} };
      return rowsOf(
        it.stale === 0 ? { aggregates: [{ ...made, createdAtMs }] } : { aggregatesRemoved: [aggregateId] },
      );
    }
    case 4:
      return it.stale === 1 ? { aggregateHostsRemoved: [key] } : { aggregateHosts: [key] };
    case 5: {
      const before = await called(store, aggregate, aggregateId);
      const { version = 1, number = 0 } = before ?? {};
      const as = { id: aggregateId, name: aggregateId, number, createdAtMs };
      const metadata = { b: String(it.stale) };
      const changed = { ...as, availabilityZone: `z${it.amount}`, metadata, version: version + 1 - it.stale };
      return rowsOf({ aggregatesChanged: [changed] });
    }
    default: {
      const buildsEnded = Array.from({ length: it.amount + 1 }, (_, n) => ({
        hostId: n % 2 === 0 ? hostId : hostOf(prefix, { ...it, host: 0 }),
        failed: (n + it.instance) % 3 !== 0,
        ...((n + it.instance) % 3 === 2 ? {} : { project: `p${n}`, imageId: `i${it.request}` }),
      }));
      const off = { hostId, enabled: false, reason: "fails", failedBuildsMin: it.amount };
      return it.stale === 1 ? { hostsEnabled: [off] } : { buildsEnded };
    }
  }
}

/** What the actor of a host commits: at its version or beside it, an operation begun or ended, a drain. */
function steered(prefix: string, it: Step, version: number): Commit {
  const hostId = hostOf(prefix, it);
  const end = it.amount > 1 ? ({ state: "done", endedAtMs: rows.wallMs } as const) : {};
  const operation = rows.hostOperation(`${prefix}-o${it.request}`, hostId, { project: prefix, ...end });
  const begun = { atMs: rows.wallMs, parallelism: it.amount + 1, instances: it.request };
  const draining = it.amount === 0 ? null : begun;
  const own = { hostId, enabled: it.amount === 3, reason: null, draining };
  return {
    hostsExpected: [{ hostId, version: version + it.stale }],
    ...(it.request % 2 === 0 ? {} : { hostsEnabled: [own] }),
    operations: [operation],
    ...(it.request === 5 ? { hostsRemoved: [{ hostId, parked: false }] } : {}),
  };
}

/** Images of the operators, the project or another one, which some may use and some may not. */
function ownedBy(prefix: string, { request, amount, instance }: Step): Partial<ImageRecord> {
  const project = ["admin", prefix, "another"][instance % 3] ?? "admin";
  const visibility = imageVisibilities[request % imageVisibilities.length] ?? "public";
  const needing = { ...rows.image.properties, memoryMibMin: amount > 2 ? 65 : 64 };
  return { project, visibility, state: amount === 1 ? "deactivated" : "active", properties: needing };
}

function catalogCommit(prefix: string, it: Step): Commit {
  const hostId = hostOf(prefix, it);
  const name = `${prefix}-n${it.amount}`;
  const id = `${prefix}-c${it.request}`;
  const image = { ...rows.image, id, name, ...ownedBy(prefix, it) };
  if (it.kind === "remove") return { hostsRemoved: [{ hostId, parked: it.stale === 0 }] };
  if (it.kind === "host" && it.stale !== 0) {
    const draining = { atMs: rows.wallMs, parallelism: it.amount + 1, instances: it.request };
    const drained = it.stale === 1 ? { draining } : {};
    return { hostsEnabled: [{ hostId, enabled: it.amount === 0, reason: null, ...drained }] };
  }
  if (it.kind === "host")
    return { hosts: [rows.inventory(hostId, { vcpus: it.amount + 1, numa: numaOf(it.request % 4) })] };
  if (it.stale !== 0) return rowsOf({ imagesRemoved: [id], flavorsRemoved: it.amount === 0 ? [id] : [] });
  return rowsOf({ images: [image], flavors: it.amount < 2 ? [{ ...rows.flavor, id, name }] : [] });
}

describe("the stores in memory and on PostgreSQL, given the same commits", () => {
  // The clock stands still while both stores are given the same commits; a host that comes back registers
  // later than before.
  let ticks = 0;
  const clock = { ...systemClock, nowMs: () => rows.wallMs + ticks };
  const memory = new MemoryStore(clock);
  let postgres: Store;
  before(async function () {
    this.timeout(60_000);
    postgres = await openStore({ url: await postgresUrl(this), clock, log: silentLog });
  });
  after(async () => {
    await postgres?.close();
  });

  const rehearsals = (commit: Commit) =>
    Promise.all([postgres, memory].map((store) => rehearsalOf(store, commit)));

  async function compare(prefix: string, steps: readonly Step[]): Promise<void> {
    const commits = await Promise.all(steps.map(async (it) => commitOf(prefix, it, memory)));
    const [only, ...others] = commits;
    const said = only === undefined || others.length > 0 ? [] : await rehearsals(only);
    const found: Awaited<ReturnType<typeof resultOf>>[] = [];
    for (const together of ofOneLine(commits))
      found.push(...(await Promise.all(together.map(async (commit) => resultOf(postgres, commit)))));
    for (const [n, commit] of commits.entries()) {
      expect(found[n], JSON.stringify(commit)).to.deep.equal(await resultOf(memory, commit));
    }
    // What a commit would answer, and then answers, is the same but for the word for a yes.
    for (const one of said) {
      const done = found[0];
      const yes = typeof done === "object" && done.kind === "committed";
      expect(one, JSON.stringify(only)).to.deep.equal(yes ? { kind: "possible" } : done);
    }
    for (const it of steps) {
      if (it.kind !== "prune") continue;
      const atMs = rows.wallMs + retentionLimits.requestKeptMs + it.stale;
      expect(await postgres.prune(atMs)).to.equal(await memory.prune(atMs));
    }
  }

  it("answer alike and hold the same rows", async function () {
    this.timeout(120_000);
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`      SEED=${seed}`);
    let runs = 0;
    const sameForBoth = fc.asyncProperty(fc.array(group, { maxLength: 20 }), async (groups) => {
      runs += 1;
      const prefix = `run${runs}`;
      await setUp([memory, postgres], prefix);
      for (const steps of groups) {
        ticks += 1;
        if (together(steps)) await compare(prefix, steps);
        else for (const it of steps) await compare(prefix, [it]);
        expect(ranked(await postgres.hosts.all())).to.deep.equal(ranked(await memory.hosts.all()));
      }
      expect(await everything(postgres, prefix)).to.deep.equal(await everything(memory, prefix));
      const newest = { after: 0, limit: 50, order: "newest" } as const;
      expect(await postgres.events.list(newest)).to.deep.equal(await memory.events.list(newest));
    });
    await fc.assert(sameForBoth, { seed, numRuns: 25, endOnFailure: true });
  });
});

async function setUp(stores: readonly Store[], prefix: string): Promise<void> {
  const group = { id: `${prefix}-g0`, project: prefix, name: "g0", createdAtMs: rows.wallMs };
  const aggregates = [0, 1].map((n) => ({
    ...{
      id: `${prefix}-a${n}`,
      name: `${prefix}-a${n}`,
      availabilityZone: `z${n}`,
      metadata: {},
    },
    createdAtMs: rows.wallMs,
  }));
  const made = rowsOf({
    aggregates,
    serverGroups: [{ ...group, policy: "anti-affinity", maxPerHost: null }],
  });
  for (const store of stores) {
    await store.commit(rows.catalog);
    await store.commit({
      hosts: [0, 1].map((n) => rows.inventory(`${prefix}-h${n}`, { vcpus: 4, numa: numaOf(2) })),
    });
    await store.commit(made);
  }
}

/**
 * Commits in their order, in parts: what clients ask for and what the system does by itself stand in two
 * lines of the writer, which keeps the order within each (commit-queue.ts).
 */
function ofOneLine(commits: readonly Commit[]): readonly (readonly Commit[])[] {
  const parts: Commit[][] = [];
  for (const commit of commits) {
    const last = parts.at(-1);
    const same =
      last?.[0] !== undefined && (last[0].request === undefined) === (commit.request === undefined);
    if (same) last.push(commit);
    else parts.push([commit]);
  }
  return parts;
}
