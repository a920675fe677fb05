/**
 * What interfaces cost a create: instances with none, one and two, in turns, on hosts whose guests and
 * networks only pretend. Answers are durable, so that what the ports add to the commit is in them. PostgreSQL
 * says how often its log was made durable, and counts transactions: reads are transactions, too.
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

export interface CreateSizes {
  /** Creates of each kind. */
  readonly creates: number;
  /** Creates of each kind in one stretch, over which transactions are counted. */
  readonly stretch: number;
}

const interfaces = [0, 1, 2] as const;
type Kind = (typeof interfaces)[number];
/** An instance that only pretends runs, and its events are published, well within it. */
const restMs = 25;
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
    const answeredMs = await alternating(cluster, sizes);
    const counts = await counted(cluster, sizes);
    const [none = 0, one = 0, two = 0] = interfaces.map((kind) => answeredMs[kind].p50);
    const figures = {
      ...{ answeredMs, firstPortMs: round(one - none), secondPortMs: round(two - one) },
      ...{ ...counts, target: "at most 2 ms for each port, and no commit more" },
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

/** The answer of a create that does not wait for its guest; the kinds take turns. */
async function alternating({ demo }: BenchCluster, { creates: count }: CreateSizes) {
  const samples: Record<Kind, number[]> = { 0: [], 1: [], 2: [] };
  for (let round = 0; round < count; round += 1)
    for (const kind of interfaces) {
      const request = { ...requestOf(kind), wait: false };
      samples[kind].push((await timed(() => demo.instance.create(request, patient))).ms);
      await pause(restMs);
    }
  return { 0: spread(samples[0]), 1: spread(samples[1]), 2: spread(samples[2]) };
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
    const rest = await during(() => pause(2 * statisticsMs));
    const perCreate = { transactions: [] as number[], syncs: [] as number[] };
    for (const kind of interfaces) {
      const spent = await during(() => stretch(cluster, kind, count));
      for (const one of ["transactions", "syncs"] as const)
        perCreate[one].push(round((spent[one] - (rest[one] * spent.ms) / rest.ms) / count, 2));
    }
    return { transactionsPerCreate: perCreate.transactions, logSyncsPerCreate: perCreate.syncs };
  } finally {
    await probe.close();
  }
}
