/**
 * rebuild: how soon a starting controller places its first instance with 1,000 and with 10,000 hosts in
 * PostgreSQL (twenty instances on each), how long reading the hosts takes alone, and what repeated reads
 * cost. The hosts are rows inserted by SQL; this process renews their host leases and writes their signs of
 * life, with the statements and at the rate of real controllers.
 */
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { schedulerLimits } from "../../actors/control/scheduler/limits.ts";
import type { Store } from "../../actors/ports/store.ts";
import { bulkHostId, fillStore } from "../../db/bench/bulk.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { postgresUrlOf } from "../config/config.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { round, spread, timed } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";
import { processorTime } from "./processor-time.ts";

const instancesPerHost = 20;
const warmReads = 10;
/** As in controllers: renewals that are asked for within this time share a write. */
const beatMs = 100;
const startSecondsMax = 60;
const attemptMs = 1_000;

export interface RebuildOptions {
  /** Numbers of hosts; one cluster after the other. */
  readonly counts: readonly number[];
  readonly steadySeconds: number;
  readonly note: Note;
  /** Of the controller, with each number of hosts. */
  readonly restarts: number;
}

const usual: RebuildOptions = { counts: [1_000, 10_000], steadySeconds: 8, restarts: 3, note: unnoted };

export async function rebuild(options: Partial<RebuildOptions> = {}): Promise<unknown> {
  const chosen = { ...usual, ...options };
  const results = [];
  for (const hosts of chosen.counts) results.push(await measure(hosts, chosen));
  return {
    instancesPerHost,
    results,
    target: "a first placement within seconds; reading must not eat the controller",
  };
}

function measure(hosts: number, { steadySeconds, restarts, note }: RebuildOptions): Promise<unknown> {
  return withCluster({ guests: "pretended", nodes: 1, ordinary: true }, async (cluster) => {
    await prepareCatalog(cluster);
    const { config, directory } = cluster;
    const url = postgresUrlOf(config);
    const log = openLog({ process: "bench", file: `${directory}/bench.log` });
    const open = () => openStore({ url, clock: systemClock, log });
    const store = await open();
    const bulk = { hosts, instancesPerHost, project: "bulk", wallMs: systemClock.nowMs() };
    const filled = await timed(() => fillStore(store, url, bulk));
    say(`${hosts} hosts and ${hosts * instancesPerHost} instances are there after ${round(filled.ms, 0)} ms`);
    const hearts = beat(store, hosts);
    try {
      const firstPlacementMs = [];
      for (let time = 0; time < restarts; time += 1) firstPlacementMs.push(await restart(cluster));
      say(`${hosts} hosts: first placements ${firstPlacementMs.join(", ")} ms after the controller's start`);
      note(`${hosts} hosts`, { firstPlacementMs });
      const readMs = await reading(await open());
      note(`${hosts} hosts`, { readMs });
      say(`${hosts} hosts: ${JSON.stringify(readMs)}`);
      return {
        hosts,
        firstPlacementMs,
        readMs,
        steady: await steady(cluster, steadySeconds),
        memoryPssMib: cluster.memory(),
      };
    } finally {
      hearts.end();
      await store.close();
    }
  });
}

const say = (text: string): unknown => process.stderr.write(`  ${text}\n`);

/** Keeps the hosts alive: each host renews its host lease, and is heard from, once in a period. */
function beat(store: Store, hosts: number): { end(): void } {
  const ids = Array.from({ length: hosts }, (_, index) => bulkHostId(index));
  const batch = Math.ceil((hosts * beatMs) / leaseLimits.heartbeatPeriodMs);
  let next = 0;
  const timer = setInterval(() => {
    const some = ids.slice(next, next + batch);
    next = next + batch >= hosts ? 0 : next + batch;
    const late = (thrown: unknown) => say(`a beat was missed: ${thrown}`);
    store.signsOfLife.renew(some.map((hostId) => ({ hostId, leaseEpoch: 1, storageId: null }))).catch(late);
    store.signsOfLife.touch(some, systemClock.nowMs()).catch(late);
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

/**
 * Age of a process in ms. Source: proc(5), /proc/PID/stat, the field starttime, in hundredths of a second.
 */
function ageMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return uptime() * 1_000 - Number(fields[19]) * 10;
}

/** Reads the hosts with a store that has read nothing yet, and then again and again. */
async function reading(store: Store): Promise<unknown> {
  const first = round((await timed(() => store.hosts.all())).ms);
  const again: number[] = [];
  for (let time = 0; time < warmReads; time += 1) {
    await pause(schedulerLimits.schedulerRefreshPeriodMs / 4);
    again.push((await timed(() => store.hosts.all())).ms);
  }
  await store.close();
  return { first, again: spread(again) };
}

/** The cost of the controllers' reads, beside the cost of the renewals alone. */
async function steady(cluster: BenchCluster, seconds: number): Promise<unknown> {
  const pid = controllerOf(cluster);
  const time = processorTime(cluster);
  process.kill(pid, "SIGSTOP");
  let without: Readonly<Record<string, number>>;
  try {
    await pause(seconds * 1_000);
    without = time.per(seconds);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await pause(2_000);
  time.per(1);
  await pause(seconds * 1_000);
  const { controller = 0, postgres = 0 } = time.per(seconds);
  const figures = { controller, postgres, postgresWithoutController: without.postgres ?? 0 };
  say(`processor ms per second: ${JSON.stringify(figures)}`);
  return { processorMsPerSecond: figures };
}
