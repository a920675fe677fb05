/**
 * many-hosts: creates on a thousand hosts, and the cost of those hosts at rest; with one controller and with
 * two. One host is a process of its own; the others are real agents with pretended guests that share one
 * process (pretended-hosts.ts). Clients, servers and all hosts share the computer.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openProbe, type Probe } from "../../db/bench/probe.ts";
import { postgresUrlOf, statePaths } from "../config/config.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import type { Novact } from "../sdk/sdk.ts";
import { startNodeProcess } from "../up/node-process.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { load, round, timed } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";
import { processorTime } from "./processor-time.ts";

/** A thousand hosts need 3 s on two idle cores, and minutes on cores that others keep busy. */
const startSecondsMax = 300;
const patient = { timeoutMs: 60_000 };
const request = { name: "bench", flavor: "bench", image: "bench" };
const pretendedHostsEntry = join(import.meta.dirname, "pretended-hosts.ts");

export interface ManyHostsOptions {
  readonly hosts: number;
  /** Numbers of controllers; one cluster after the other. */
  readonly controllers: readonly number[];
  /** Numbers of concurrent clients; one series after the other. */
  readonly clients: readonly number[];
  /** How long the cost of hosts at rest is measured. */
  readonly restSeconds: number;
  /** Number of creates in each series. */
  readonly loadSecondsMax: number;
  readonly note: Note;
}

const usual: ManyHostsOptions = {
  hosts: 1_000,
  controllers: [1, 2],
  clients: [1, 8, 32, 64],
  restSeconds: 10,
  loadSecondsMax: 4,
  note: unnoted,
};

export async function manyHosts(options: Partial<ManyHostsOptions> = {}): Promise<unknown> {
  const chosen = { ...usual, ...options };
  const { hosts, controllers } = chosen;
  const results = [];
  for (const count of controllers) results.push(await measure(chosen, count));
  const agents = "one host is a process of its own, all others share one process and four NATS connections";
  return { hosts, agents, results };
}

function measure(options: ManyHostsOptions, controllers: number): Promise<unknown> {
  const { hosts, clients, restSeconds } = options;
  const note: Note = (part, figures) => options.note(part, { controllers, ...{ [part]: figures } });
  return withCluster({ guests: "pretended", nodes: 1, ordinary: true, controllers }, async (cluster) => {
    const { config, directory } = cluster;
    const log = openLog({ process: "bench", file: join(directory, "bench.log") });
    const probe = await openProbe(postgresUrlOf(config), systemClock, log);
    const others = hosts - 1;
    const began = performance.now();
    const agents = await startNodeProcess({
      name: "pretended-hosts",
      entry: pretendedHostsEntry,
      arguments: [config.file, `${others}`],
      nodeArguments: [],
      outputFile: join(statePaths(config).log, "pretended-hosts.out"),
    });
    try {
      const time = processorTime(cluster);
      await allAlive(cluster.admin, hosts);
      const registeredMs = Math.round(performance.now() - began);
      const registering = time.per(1);
      say(`${controllers} controllers: ${hosts} hosts are there after ${registeredMs} ms`);
      await prepareCatalog(cluster);
      const rest = await atRest(cluster, probe, restSeconds);
      note("rest", rest);
      const creates = [];
      for (const count of clients) {
        creates.push(await createsOf(cluster, count, options.loadSecondsMax));
        note("creates", creates.at(-1));
      }
      const memoryPssMib = cluster.memory();
      const full = await atRest(cluster, probe, restSeconds);
      return {
        controllers,
        registeredMs,
        processorMsRegistering: registering,
        rest,
        creates,
        full,
        memoryPssMib,
      };
    } finally {
      await agents.shutdown({ guests: false, patienceMs: 0 });
      await probe.close();
    }
  });
}

const say = (text: string): unknown => process.stderr.write(`  ${text}\n`);

async function allAlive(admin: Novact, count: number): Promise<void> {
  const untilMs = performance.now() + startSecondsMax * 1_000;
  for (;;) {
    let alive = 0;
    for (let marker: string | undefined; ; ) {
      const page = await admin.host.list(
        { limit: 1_000, ...(marker === undefined ? {} : { marker }) },
        patient,
      );
      alive += page.hosts.filter((host) => host.alive && host.lease !== null).length;
      marker = page.nextMarker;
      if (marker === undefined) break;
    }
    if (alive >= count) return;
    if (performance.now() > untilMs) throw new Error(`Only ${alive} of ${count} hosts are there.`);
    await pause(100);
  }
}

/** Measures a cluster to which nobody sends requests: heartbeats, renewals and the controllers' reads. */
async function atRest(cluster: BenchCluster, probe: Probe, restSeconds: number): Promise<unknown> {
  await pause(2_000);
  const time = processorTime(cluster);
  const before = await probe.counters();
  await pause(restSeconds * 1_000);
  const { all: _all, client: _ours, ...processorMsPerSecond } = time.per(restSeconds);
  const after = await probe.counters();
  const perSecond: Record<string, number> = {};
  for (const [name, value] of Object.entries(after))
    perSecond[name] = round((value - (before[name as keyof typeof before] ?? 0)) / restSeconds, 1);
  say(`at rest: ${JSON.stringify({ processorMsPerSecond, postgresPerSecond: perSecond })}`);
  return { processorMsPerSecond, postgresPerSecond: perSecond };
}

async function createsOf(cluster: BenchCluster, clients: number, secondsMax: number): Promise<unknown> {
  const { demo } = cluster;
  const series = { clients, count: Number.POSITIVE_INFINITY, secondsMax };
  const time = processorTime(cluster);
  const running = await load(series, () => demo.instance.create({ ...request, wait: true }, patient));
  const processorMsPerRunning = time.per(running.latencyMs.count);
  const whole = await timed(async () => {
    const accepted = await load(series, () => demo.instance.create(request, patient));
    await allRunning(demo);
    return accepted;
  });
  const accepted = whole.result;
  const runningPerSecond = round((accepted.latencyMs.count / whole.ms) * 1_000, 1);
  const processorMsPerAccepted = time.per(accepted.latencyMs.count);
  const { perSecond } = accepted;
  say(`${clients} clients: ${running.perSecond} creates run per second, ${perSecond} are accepted`);
  return {
    clients,
    running: { ...running, processorMsPerCreate: processorMsPerRunning },
    accepted: { ...accepted, runningPerSecond, processorMsPerCreate: processorMsPerAccepted },
  };
}

async function allRunning(demo: Novact): Promise<void> {
  for (;;) {
    const { instances } = await demo.instance.list({ state: "building", limit: 1 }, patient);
    if (instances.length === 0) return;
    await pause(20);
  }
}
