/**
 * rebuild: how soon a controller that starts places its first instance with 1,000 and with 10,000 hosts in
 * PostgreSQL (and twenty instances on each), how long reading the hosts takes alone, and what reading them
 * again and again costs. The hosts are rows that were inserted by SQL; their leases are renewed and their
 * signs of life written by this process, with the statements and at the rate of real controllers.
 */
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "../../actors/ports/store.ts";
import { bulkHostId, fillStore } from "../../db/bench/bulk.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { limits } from "../../protocol/limits/limits.ts";
import { postgresUrlOf } from "../config/config.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { round, spread, timed } from "./figures.ts";
import { processorTime } from "./processor-time.ts";

const instancesPerHost = 20;
const restarts = 3;
const warmReads = 10;
const steadySeconds = 8;
/** As controllers do: whoever asks within it shares a write. */
const beatMs = 100;
const startSecondsMax = 60;
const attemptMs = 1_000;

export async function rebuild(counts: readonly number[] = [1_000, 10_000]): Promise<unknown> {
  const results = [];
  for (const hosts of counts) results.push(await measure(hosts));
  return {
    instancesPerHost,
    results,
    target: "a first placement within seconds; reading must not eat the controller",
  };
}

function measure(hosts: number): Promise<unknown> {
  return withCluster({ hypervisor: "fake", nodes: 1, ordinary: true }, async (cluster) => {
    await prepareCatalog(cluster);
    const { config, directory } = cluster;
    const url = postgresUrlOf(config);
    const log = openLog({ process: "bench", file: `${directory}/bench.log` });
    const open = () => openStore({ url, clock: systemClock, log });
    const filled = await timed(() =>
      fillStore(url, { hosts, instancesPerHost, project: "bulk", wallMs: systemClock.nowMs() }),
    );
    say(`${hosts} hosts and ${hosts * instancesPerHost} instances are there after ${round(filled.ms, 0)} ms`);
    const store = await open();
    const hearts = beat(store, hosts);
    try {
      const firstPlacementMs = [];
      for (let time = 0; time < restarts; time += 1) firstPlacementMs.push(await restart(cluster));
      say(`${hosts} hosts: first placements ${firstPlacementMs.join(", ")} ms after the controller's start`);
      const readMs = await reading(await open());
      say(`${hosts} hosts: ${JSON.stringify(readMs)}`);
      return {
        hosts,
        firstPlacementMs,
        readMs,
        steady: await steady(cluster),
        memoryPssMib: cluster.memory(),
      };
    } finally {
      hearts.end();
      await store.close();
    }
  });
}

const say = (text: string): unknown => process.stderr.write(`  ${text}\n`);

/** Keeps the hosts alive: each renews its lease, and was heard from, once in a period. */
function beat(store: Store, hosts: number): { end(): void } {
  const ids = Array.from({ length: hosts }, (_, index) => bulkHostId(index));
  const batch = Math.ceil((hosts * beatMs) / limits.heartbeatPeriodMs);
  let next = 0;
  const timer = setInterval(() => {
    const some = ids.slice(next, next + batch);
    next = next + batch >= hosts ? 0 : next + batch;
    const late = (thrown: unknown) => say(`a beat was missed: ${thrown}`);
    store.renewLeases(some.map((hostId) => ({ hostId, epoch: 1, storageId: null }))).catch(late);
    store.touchHosts(some, systemClock.nowMs()).catch(late);
  }, beatMs);
  return { end: () => clearInterval(timer) };
}

/** From the start of the controller's process to its first answer to a create that it placed, in ms. */
async function restart(cluster: BenchCluster): Promise<number> {
  const before = controllerOf(cluster);
  process.kill(before, "SIGKILL");
  const untilMs = performance.now() + startSecondsMax * 1_000;
  for (;;) {
    try {
      await cluster.demo.instance.create(
        { name: "bench", flavor: "bench", image: "bench" },
        { timeoutMs: attemptMs },
      );
      return Math.round(ageMs(controllerOf(cluster)));
    } catch (thrown) {
      if (performance.now() > untilMs) throw thrown;
      await pause(5);
    }
  }
}

function controllerOf(cluster: BenchCluster): number {
  const pid = cluster.processes().find(({ name }) => name === "controller")?.pid;
  if (pid === undefined) throw new Error("There is no controller.");
  return pid;
}

/** Since its start. Source: proc(5), /proc/PID/stat, the field starttime, in hundredths of a second. */
function ageMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return uptime() * 1_000 - Number(fields[19]) * 10;
}

/** By a store that knows nothing, and then again and again. */
async function reading(store: Store): Promise<unknown> {
  const first = round((await timed(() => store.allHosts())).ms);
  const again: number[] = [];
  for (let time = 0; time < warmReads; time += 1) {
    await pause(limits.schedulerRefreshPeriodMs / 4);
    again.push((await timed(() => store.allHosts())).ms);
  }
  await store.close();
  return { first, again: spread(again) };
}

/** What controllers read, with what it costs without them: beats alone. */
async function steady(cluster: BenchCluster): Promise<unknown> {
  const pid = controllerOf(cluster);
  const time = processorTime(cluster);
  process.kill(pid, "SIGSTOP");
  let without: Readonly<Record<string, number>>;
  try {
    await pause(steadySeconds * 1_000);
    without = time.per(steadySeconds);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await pause(2_000);
  time.per(1);
  await pause(steadySeconds * 1_000);
  const { controller = 0, postgres = 0 } = time.per(steadySeconds);
  const figures = { controller, postgres, postgresWithoutController: without.postgres ?? 0 };
  say(`processor ms per second: ${JSON.stringify(figures)}`);
  return { processorMsPerSecond: figures };
}
