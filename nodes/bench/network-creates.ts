/**
 * What interfaces cost a create: instances with none, one and two, in turns, on hosts whose guests and
 * networks only pretend. Answers are durable, so that what the ports add to the commit is in them. Each is
 * compared with the one without beside it, so that other load is in both; and the processor time of all
 * processes says what a port costs whatever else runs. PostgreSQL says how often its log was made durable,
 * and counts transactions: reads are transactions, too.
 */

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openProbe } from "../../db/bench/probe.ts";
import { postgresUrlOf } from "../config/config.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { round, spread, timed } from "./figures.ts";
import type { Note } from "./note.ts";
import { processorTime } from "./processor-time.ts";

export interface CreateSizes {
  /** Creates of each kind. */
  readonly creates: number;
  /** Creates of each kind in one stretch, over which transactions are counted. */
  readonly stretch: number;
}

const interfaces = [0, 1, 2] as const;
type Kind = (typeof interfaces)[number];
/** Within it a pretended instance runs, its events are published, and hosts have their pictures. */
const restMs = 120;
/** Stretches of each kind over which processor time is counted. */
const stretches = 5;
/** The same for transactions. */
const countedRounds = 3;
const round2 = (value: number): number => round(value, 2);
/** PostgreSQL's processes tell their statistics about a second late. */
const statisticsMs = 1_500;
const cidr = (network: number) => `10.${network}.0.0/16`;
const patient = { timeoutMs: 60_000 };

const requestOf = (kind: Kind) => ({
  ...{ name: "bench", flavor: "bench", image: "bench", wait: true },
  networks: Array.from({ length: kind }, (_, index) => ({ network: `net-${index}` })),
});

export async function creates(sizes: CreateSizes, note: Note): Promise<unknown> {
  return withCluster({ guests: "pretended", network: "fake" }, async (cluster) => {
    await prepareCatalog(cluster);
    await prepareNetworks(cluster);
    for (const kind of interfaces) await stretch(cluster, kind, 30);
    const answered = await alternating(cluster, sizes);
    const processorMs = await processed(cluster, sizes);
    const counts = await counted(cluster, sizes);
    const figures = {
      ...{ ...answered, processorMs, ...counts },
      target: "at most 2 ms for each port, and no commit more",
    };
    note("creates", figures);
    return figures;
  });
}

async function prepareNetworks({ admin, demo }: BenchCluster): Promise<void> {
  await admin.quota.set("demo", { ports: 5_000 });
  for (const network of [0, 1]) {
    await demo.network.create({ name: `net-${network}` });
    await demo.subnet.create({ name: `net-${network}`, network: `net-${network}`, cidr: cidr(network) });
  }
}

/** The answer of a create that does not wait for its guest; the kinds take turns, in any order. */
async function alternating({ demo }: BenchCluster, { creates: count }: CreateSizes) {
  const samples: Record<Kind, number[]> = { 0: [], 1: [], 2: [] };
  for (let round = 0; round < count; round += 1)
    for (const step of interfaces) {
      const kind = interfaces[(round + step) % interfaces.length] ?? 0;
      const request = { ...requestOf(kind), wait: false };
      samples[kind].push((await timed(() => demo.instance.create(request, patient))).ms);
      await pause(restMs);
    }
  const more = (kind: 1 | 2) =>
    spreadOfDifferences(samples[kind].map((ms, at) => ms - (samples[kind === 1 ? 0 : 1][at] ?? 0)));
  const answeredMs = { 0: spread(samples[0]), 1: spread(samples[1]), 2: spread(samples[2]) };
  return { answeredMs, firstPortMs: more(1), secondPortMs: more(2) };
}

/** Of pairs: some are less than nothing, where other load came between. */
function spreadOfDifferences(values: readonly number[]) {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (part: number) => round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  return { pairs: sorted.length, p25: at(0.25), p50: at(0.5), p75: at(0.75) };
}

/** Processor time of a create until its guest runs: the median of some stretches, by process. */
async function processed(cluster: BenchCluster, { stretch: count }: CreateSizes) {
  const spent: Record<Kind, Readonly<Record<string, number>>[]> = { 0: [], 1: [], 2: [] };
  for (let round = 0; round < stretches; round += 1)
    for (const kind of interfaces) {
      const time = processorTime(cluster);
      await stretch(cluster, kind, count);
      await pause(restMs);
      spent[kind].push(time.per(count));
    }
  const medianOf = (kind: Kind, name: string) => spread(spent[kind].map((one) => one[name] ?? 0)).p50;
  const names = Object.keys(spent[0][0] ?? {});
  const ofKind = (kind: Kind) => Object.fromEntries(names.map((name) => [name, medianOf(kind, name)]));
  return {
    ...{ 0: ofKind(0), 1: ofKind(1), 2: ofKind(2) },
    firstPort: spreadOfDifferences(spent[1].map(({ all = 0 }, at) => all - (spent[0][at]?.all ?? 0))),
  };
}

async function stretch({ demo }: BenchCluster, kind: Kind, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await demo.instance.create(requestOf(kind), patient);
}

/** Creates until the guest runs; what the cluster does at rest meanwhile is taken off. */
async function counted(cluster: BenchCluster, { stretch: count }: CreateSizes) {
  const { config, directory } = cluster;
  const log = openLog({ process: "bench", file: join(directory, "probe.log") });
  const probe = await openProbe(postgresUrlOf(config), systemClock, log);
  const during = async (work: () => Promise<unknown>) => {
    const before = await probe.counters();
    const { ms } = await timed(async () => {
      await work();
      await pause(statisticsMs);
    });
    const after = await probe.counters();
    const [transactions, syncs] = (["transactions", "walSyncs"] as const).map(
      (one) => after[one] - before[one],
    );
    return { ms, transactions: transactions ?? 0, syncs: syncs ?? 0 };
  };
  try {
    // What was begun before ends first: it would be taken for what the cluster does at rest.
    await pause(2 * statisticsMs);
    const rest = await during(() => pause(2 * statisticsMs));
    const spent: Record<Kind, { transactions: number; syncs: number }[]> = { 0: [], 1: [], 2: [] };
    for (let round = 0; round < countedRounds; round += 1)
      for (const kind of interfaces) {
        const { ms, ...all } = await during(() => stretch(cluster, kind, count));
        const own = (one: "transactions" | "syncs") => (all[one] - (rest[one] * ms) / rest.ms) / count;
        spent[kind].push({ transactions: own("transactions"), syncs: own("syncs") });
      }
    const medians = (one: "transactions" | "syncs") =>
      interfaces.map((kind) => round2(spread(spent[kind].map((each) => each[one])).p50));
    const perCreate = { transactions: medians("transactions"), syncs: medians("syncs") };
    return { transactionsPerCreate: perCreate.transactions, logSyncsPerCreate: perCreate.syncs };
  } finally {
    await probe.close();
  }
}
