/**
 * reads: get one instance and list a page, with 500 and with 10,000 instances in the project. The instances
 * are counted before the reads are measured.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { load, round, type Spread, spread, timed } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";

const batch = 50;
const fillSecondsMax = 80;
/**
 * Pause before measuring: the hosts' reports and PostgreSQL's housekeeping still write about new instances
 * for a moment.
 */
const settleMs = 2_000;
const patient = { timeoutMs: 30_000 };

export interface ReadsOptions {
  /** Numbers of instances, ascending. */
  readonly counts: readonly number[];
  readonly note: Note;
}

export async function reads(options: Partial<ReadsOptions> = {}): Promise<unknown> {
  const { counts, note } = { counts: [500, 10_000], note: unnoted, ...options };
  return withCluster({ guests: "pretended" }, async (cluster) => {
    await prepareCatalog(cluster);
    const results = [];
    let made = 0;
    for (const count of counts) {
      await fill(cluster, count - made);
      made = count;
      results.push(await measure(cluster));
      note(`${count} instances`, results.at(-1));
    }
    return { results, target: "one page of the list within 20 ms" };
  });
}

async function fill({ demo }: BenchCluster, count: number): Promise<void> {
  const request = { name: "bench", flavor: "bench", image: "bench", count: batch };
  const creates = { count: Math.ceil(count / batch), clients: 2, secondsMax: fillSecondsMax };
  const { latencyMs } = await load(creates, () => demo.instance.create(request, patient));
  process.stderr.write(`  ${latencyMs.count * batch} instances made\n`);
  await pause(settleMs);
}

async function measure({ demo }: BenchCluster): Promise<unknown> {
  const ids = await allIds(demo);
  process.stderr.write(`  ${ids.length} instances are there\n`);
  const spreadOut = Array.from({ length: 200 }, (_, at) => ids[Math.floor((at * ids.length) / 200)] ?? "");
  const gets: number[] = [];
  for (const id of spreadOut) gets.push((await timed(() => demo.instance.get(id, {}))).ms);
  const lists = async (limit: number): Promise<Spread & { readonly kilobytes: number }> => {
    const samples: number[] = [];
    let kilobytes = 0;
    for (let at = 0; at < 60; at += 1) {
      // Full pages from all over the list.
      const start = Math.floor((at * Math.max(0, ids.length - limit - 1)) / 60);
      const page = { limit, ...(at === 0 ? {} : { marker: ids[start] ?? "" }) };
      const { ms, result } = await timed(() => demo.instance.list(page, patient));
      if (at >= 10) samples.push(ms);
      kilobytes = round(JSON.stringify(result).length / 1024, 0);
    }
    return { ...spread(samples), kilobytes };
  };
  return {
    instances: ids.length,
    getMs: spread(gets),
    list100Ms: await lists(100),
    list500Ms: await lists(500),
  };
}

async function allIds(demo: BenchCluster["demo"]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let marker: string | undefined; ; ) {
    const page = await demo.instance.list(
      { limit: 1_000, ...(marker === undefined ? {} : { marker }) },
      patient,
    );
    ids.push(...page.instances.map(({ id }) => id));
    marker = page.nextMarker;
    if (marker === undefined) return ids;
  }
}
