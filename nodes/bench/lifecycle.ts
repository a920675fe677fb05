/**
 * lifecycle: create → running → stop → start → delete of guests that only pretend, at 1, 8 and 32 clients;
 * and creates alone, with their cost to each process. One controller; clients, servers and both hosts share
 * the computer.
 */
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { load, type Spread, spread, timed } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";
import { processorTime } from "./processor-time.ts";

const steps = ["create", "stop", "start", "delete"] as const;
const request = { name: "bench", flavor: "bench", image: "bench", wait: true };
const patient = { timeoutMs: 60_000 };
/** Time for each number of clients: together well below two minutes, however slow the computer. */
const lifecycleSecondsMax = 12;
const createSecondsMax = 10;

export interface LifecycleOptions {
  /** For one client; ten times as many creates for many. */
  readonly rounds: number;
  /** Creates before all series. */
  readonly warmUps: number;
  readonly note: Note;
}

export async function lifecycle(options: Partial<LifecycleOptions> = {}): Promise<unknown> {
  const { rounds, warmUps, note } = { rounds: 300, warmUps: 600, note: unnoted, ...options };
  return withCluster({ guests: "pretended" }, async (cluster) => {
    await prepareCatalog(cluster);
    const { instance } = cluster.demo;
    await load({ count: warmUps, clients: 8, secondsMax: 10 }, () => instance.create(request, patient));
    const createToRunning = [];
    for (const clients of [1, 8, 32, 64]) {
      createToRunning.push(await creates(cluster, clients, clients === 1 ? rounds : rounds * 10));
      note("createToRunning", createToRunning.at(-1));
    }
    const lifecycles = [];
    for (const clients of [1, 8, 32]) {
      lifecycles.push(await whole(cluster, clients, rounds * Math.min(clients, 8)));
      note("lifecycles", lifecycles.at(-1));
    }
    const target = "at least 500 creates per second; median create → running under 25 ms at one client";
    return { createToRunning, lifecycles, memoryPssMib: cluster.memory(), target };
  });
}

async function creates(cluster: BenchCluster, clients: number, count: number): Promise<unknown> {
  const time = processorTime(cluster);
  const result = await load({ clients, count, secondsMax: createSecondsMax }, () =>
    cluster.demo.instance.create(request, patient),
  );
  process.stderr.write(`  ${clients} clients: ${result.perSecond} creates per second\n`);
  return { ...result, processorMsPerCreate: time.per(result.latencyMs.count) };
}

async function whole({ demo }: BenchCluster, clients: number, count: number): Promise<unknown> {
  const { instance } = demo;
  const samples: Record<(typeof steps)[number], number[]> = { create: [], stop: [], start: [], delete: [] };
  const result = await load({ clients, count, secondsMax: lifecycleSecondsMax }, async () => {
    const created = await timed(() => instance.create(request, patient));
    samples.create.push(created.ms);
    const { id } = created.result.instance;
    for (const step of ["stop", "start", "delete"] as const) {
      samples[step].push((await timed(() => instance[step](id, { wait: true }, patient))).ms);
    }
  });
  process.stderr.write(`  ${clients} clients: ${result.perSecond} lifecycles per second\n`);
  const stepsMs: Record<string, Spread> = {};
  for (const step of steps) stepsMs[step] = spread(samples[step]);
  return { ...result, stepsMs };
}
