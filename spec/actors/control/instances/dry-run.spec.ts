/**
 * A dry run answers what the create would: compared by property on twin worlds. Both have the same history;
 * then one is asked for a dry run, and the other one for the create. RUNS=10000 makes so many requests, SEED
 * repeats a failure.
 */
import { expect } from "chai";
import type { MemoryStore } from "../../../../db/memory/store.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import { port } from "../../../../protocol/port.ts";
import { securityGroup } from "../../../../protocol/security-group.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { Random } from "../../../simulator/random.ts";
import {
  type Asked,
  askedFor,
  changeOf,
  flavorAgain,
  rush,
  type Surroundings,
  surroundings,
} from "../../../support/dry-run-plan.ts";
import { type DryRunWorld, dryRunWorld } from "../../../support/dry-run-world.ts";
import { catalog, inventory } from "../../../support/store-rows.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.RUNS ?? 400);
const requestsOfWorld = 8;

/** What became of a request, or would: comparable by value. */
type Outcome =
  | { readonly refused: string; readonly code: string; readonly message: string; readonly details: unknown }
  | { readonly placed: readonly (readonly [hostId: string, instances: number])[] };

const refusedWith = ({
  reason,
  code,
  message,
  details,
}: Omit<ReturnType<StatusError["toBody"]>, "next">) => ({
  refused: reason,
  code,
  message,
  details: details ?? null,
});

async function unlessRefused(asked: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await asked();
  } catch (thrown) {
    if (thrown instanceof StatusError) return refusedWith(thrown.toBody());
    throw thrown;
  }
}

const dryRun = ({ first }: DryRunWorld, { request, project }: Asked): Promise<Outcome> =>
  unlessRefused(async () => {
    const { placed, refusal } = await first.dryRun(request, project);
    if (refusal !== undefined) return refusedWith(refusal as ReturnType<StatusError["toBody"]>);
    return { placed: (placed ?? []).map(({ hostId, instances }) => [hostId, instances] as const) };
  });

const run = ({ first, store }: DryRunWorld, { request, project }: Asked): Promise<Outcome> =>
  unlessRefused(async () => {
    const answer = await first.create(request, project);
    const ids = [
      ...(answer.all ?? [answer]).map(({ instance }) => instance.id),
      ...(answer.more ?? []).map(({ instanceId }) => instanceId),
    ];
    const made = await Promise.all(ids.map((id) => store.instances.get(id)));
    const byHost = Map.groupBy(made, (row) => row?.instance.hostId ?? "none");
    return { placed: [...byHost].map(([hostId, instances]) => [hostId, instances.length] as const) };
  });

/** The contents of the store, none of which a dry run may change. */
async function pictureOf(store: MemoryStore) {
  const page = { limit: wireLimits.pageLengthMax };
  return {
    hosts: await store.hosts.all(),
    instances: await store.instances.list({ ...page, deleted: true }),
    operations: await store.operations.list(page),
    quotas: await store.quotas.totals(),
    groups: await store.rows.list(securityGroup, page),
    ports: await store.rows.list(port, page),
    claims: await store.hosts.claimTotals(),
    events: await store.events.lastSequence(),
  };
}

async function worldOf({ commits }: Surroundings): Promise<DryRunWorld> {
  const world = await dryRunWorld();
  for (const commit of commits) {
    const { kind } = await world.store.commit(commit);
    if (kind !== "committed") throw new Error(`The surroundings were refused: ${kind}.`);
  }
  await world.advance(2_500);
  return world;
}

function hear({ first, other }: DryRunWorld, hostIds: readonly string[]): void {
  for (const { placer, directory } of [first, other])
    for (const id of hostIds) {
      directory.heard(id);
      placer.heard(id);
    }
}

interface Step {
  readonly random: Random;
  readonly step: number;
  readonly hostIds: readonly string[];
  /** The hosts that are heard. */
  readonly living: readonly string[];
}

/** The same with both worlds: creates of another controller, changes by operators, time, full disks. */
async function live(worlds: readonly DryRunWorld[], { random, step, hostIds, living }: Step) {
  const made = await instancesIn(worlds[0]);
  const fork = random.fork(`other ${step}`);
  const others = random.chance(0.3)
    ? rush(fork)
    : random.chance(0.4)
      ? askedFor(fork, made, hostIds)
      : undefined;
  const changes = [
    ...(random.chance(0.15) ? [changeOf(random, hostIds)] : []),
    ...(random.chance(0.1) ? [flavorAgain(random, step)] : []),
  ];
  const ms = random.chance(0.4) ? random.whole(0, 3_000) : 0;
  const fullDisk = random.chance(0.02);
  const fullHost = random.chance(0.1) ? random.pick(hostIds) : undefined;
  const told = random.chance(0.3) ? random.pick(hostIds) : undefined;
  const freeMib = random.whole(3_000, 6_000);
  for (const world of worlds) {
    world.step(`${step}-other`);
    if (others !== undefined)
      await unlessRefused(async () => {
        await world.other.create(others.request, others.project);
        return { placed: [] };
      });
    for (const change of changes) await world.store.commit(change);
    await world.advance(ms);
    hear(world, living);
    const space = { of: "state directory", freeMib: 1, totalMib: 1_000, full: true };
    world.first.full = fullDisk ? space : undefined;
    if (fullHost !== undefined) world.first.placer.heard(fullHost, [space]);
    const room = { ...space, freeMib, totalMib: 102_400, full: false, disks: true };
    if (told !== undefined) world.first.placer.heard(told, [room]);
    // No news is on its way any more: it would come before one question and after the other.
    await world.advance(0);
  }
}

const instancesIn = async (world: DryRunWorld | undefined): Promise<readonly string[]> => {
  const page = await world?.store.instances.list({ limit: wireLimits.pageLengthMax });
  return (page?.rows ?? []).map(({ instance }) => instance.id);
};

const refusalsOf = ({ first }: DryRunWorld): number =>
  [...first.refusals.values()].reduce((sum, times) => sum + times, 0);

interface Counts {
  requests: number;
  /** Requests after whose dry run the create at the same controller did the same, too. */
  again: number;
  readonly outcomes: Map<string, number>;
  /** Refusals of commits, by kind: creates that had to choose again. */
  readonly refusals: Map<string, number>;
}

/** One world and its twin, with one request after the other; ends early where their histories part. */
async function compareIn(name: string, counts: Counts): Promise<void> {
  const random = new Random(name);
  const around = surroundings(random.fork("surroundings"));
  const living = around.hostIds.filter(() => random.chance(0.9));
  const [asked, twin] = [await worldOf(around), await worldOf(around)];
  try {
    for (let step = 0; step < requestsOfWorld && counts.requests < runs; step += 1) {
      await live([asked, twin], { random, step, hostIds: around.hostIds, living });
      const request = askedFor(random, await instancesIn(asked), around.hostIds);
      for (const world of [asked, twin]) world.step(String(step));
      const before = await pictureOf(asked.store);
      const said = await dryRun(asked, request);
      expect(await pictureOf(asked.store), `${name}, ${step}: it changed something`).to.deep.equal(before);
      const chosenBefore = refusalsOf(twin);
      const done = await run(twin, request);
      expect(said, `${name}, ${step}: ${JSON.stringify(request)}`).to.deep.equal(done);
      counts.requests += 1;
      const kind = "refused" in done ? done.refused : "made";
      counts.outcomes.set(kind, (counts.outcomes.get(kind) ?? 0) + 1);
      asked.step(String(step));
      const after = await run(asked, request);
      // A dry run that met an old view has had it renewed, and the next create may choose better.
      if (JSON.stringify(after) !== JSON.stringify(done)) return;
      // The create was refused before it looked at a host; the dry run looked, to say what they say.
      if (kind === "quotaExceeded") return;
      counts.again += 1;
      // A create that had to choose again took more turns and ids than the twin's: they are twins no more.
      if (refusalsOf(twin) > chosenBefore) return;
    }
  } finally {
    for (const [kind, times] of twin.first.refusals)
      counts.refusals.set(kind, (counts.refusals.get(kind) ?? 0) + times);
    await asked.end();
    await twin.end();
  }
}

describe(`a dry run and the create (SEED=${seed})`, function () {
  this.timeout(60_000 + runs * 100);

  it(`agree in ${runs} random requests against random clusters, and the dry run changes nothing`, async () => {
    const counts: Counts = { requests: 0, again: 0, outcomes: new Map(), refusals: new Map() };
    for (let world = 0; counts.requests < runs; world += 1) await compareIn(`${seed}/${world}`, counts);
    const { requests, again, outcomes, refusals } = counts;
    const told = [outcomes, refusals].map((counted) => Object.fromEntries(counted));
    if (process.env.RUNS !== undefined) console.log({ requests, again }, ...told);
    expect(again).to.be.greaterThan(requests / 2);
    for (const kind of ["made", "noValidHost", "quotaExceeded"])
      expect(outcomes.get(kind) ?? 0, kind).to.be.greaterThan(0);
  });
});

describe("a dry run", () => {
  let world: DryRunWorld;
  const small = { name: "web", flavor: "small", image: "tiny" };

  beforeEach(async () => {
    world = await dryRunWorld();
    world.step("a");
  });
  afterEach(() => world.end());

  const begin = async (hosts: number, memoryMib: number) => {
    await world.store.commit(catalog);
    const ids = Array.from({ length: hosts }, (_, n) => `h${n}`);
    await world.store.commit({ hosts: ids.map((id) => inventory(id, { memoryMib, name: id })) });
    await world.advance(2_500);
    for (const id of ids) world.first.placer.heard(id);
  };

  it("says how many of several find room, and what is against the next", async () => {
    await begin(2, 11 * 64);
    const { placed, refusal } = await world.first.dryRun({ ...small, count: 30 }, "demo");
    expect(placed).to.deep.equal([]);
    expect(refusal).to.include({ reason: "noValidHost", code: "RESOURCE_EXHAUSTED" });
    expect(refusal?.message).to.match(/^22 of 30 instances find room; at the 23rd: No host fits: of 2, /);
  });

  it("says with a least number where those go that find room, and why not more", async () => {
    await begin(2, 11 * 64);
    const asked = { ...small, count: 30, atLeast: 5 };
    const { placed, rest, refusal } = await world.first.dryRun(asked, "demo");
    expect(refusal).to.equal(undefined);
    expect(placed?.map(({ hostName, instances }) => `${instances} on ${hostName}`)).to.have.members([
      "11 on h0",
      "11 on h1",
    ]);
    expect(rest?.message).to.match(/^22 of 30 instances find room; at the 23rd: /);
  });

  it("says so when it is the quota that leaves room for fewer", async () => {
    await begin(2, 11 * 64);
    await world.store.commit({ quotas: [{ project: "demo", instances: 3 }] });
    const { placed, rest } = await world.first.dryRun({ ...small, count: 5, atLeast: 1 }, "demo");
    expect(placed?.reduce((sum, { instances }) => sum + instances, 0)).to.equal(3);
    expect(rest).to.include({ reason: "quotaExceeded" });
    const { refusal } = await world.first.dryRun({ ...small, count: 5 }, "demo");
    expect(refusal?.message).to.equal(
      "The project demo may have 3 instances; it has 0, and 5 more were asked for.",
    );
  });

  it("is no turn among equal hosts: the create goes where the dry run said", async () => {
    await begin(3, 1_024);
    for (let n = 0; n < 6; n += 1) {
      world.step(`s${n}`);
      const { placed } = await world.first.dryRun(small, "demo");
      await world.first.dryRun(small, "demo");
      const { instance } = await world.first.create(small, "demo");
      expect(placed?.map(({ hostId }) => hostId)).to.deep.equal([instance.hostId]);
    }
  });
});
