/** reads: get one and list a page, with 500 and with 10,000 instances in the project. */
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { load, spread, timed } from "./figures.ts";

export async function reads(counts: readonly number[] = [500, 10_000]): Promise<unknown> {
  return withCluster({ hypervisor: "fake" }, async (cluster) => {
    await prepareCatalog(cluster);
    const results: Record<string, unknown> = {};
    let made = 0;
    for (const count of counts) {
      await fill(cluster, count - made);
      made = count;
      results[`instances${count}`] = await measure(cluster);
    }
    return { ...results, target: "one page of the list within 20 ms" };
  });
}

async function fill({ demo }: BenchCluster, count: number): Promise<void> {
  const request = { name: "bench", flavor: "bench", image: "bench", count: 50 };
  await load({ count: Math.ceil(count / 50), clients: 4 }, () =>
    demo.instance.create(request, { timeoutMs: 60_000 }),
  );
}

async function measure({ demo }: BenchCluster): Promise<unknown> {
  const { instances } = await demo.instance.list({ limit: 100 });
  const gets: number[] = [];
  for (const { id } of [...instances, ...instances])
    gets.push((await timed(() => demo.instance.get(id, {}))).ms);
  const lists = async (limit: number) => {
    const samples: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const marker = instances[round]?.id;
      const page = { limit, ...(marker === undefined ? {} : { marker }) };
      samples.push((await timed(() => demo.instance.list(page, { timeoutMs: 30_000 }))).ms);
    }
    return spread(samples);
  };
  return { getMs: spread(gets), list100Ms: await lists(100), list500Ms: await lists(500) };
}
