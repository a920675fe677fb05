/**
 * The cluster of the recovery benchmark: two controllers, QEMU nodes that can lose their power for good,
 * links that can be broken, guests that count, and an observer of their disks.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { lifeLimits } from "../../protocol/limits/life.ts";
import { openLinks } from "../chaos/links.ts";
import { processesOf } from "../chaos/parties.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { signalProcess } from "../drivers/process-table.ts";
import { linkName, passing, rulesOf } from "../proxy/link-rules.ts";
import type { Event } from "../sdk/sdk.ts";
import { type BenchCluster, openCluster } from "./bench-cluster.ts";
import { Counters } from "./counters.ts";
import { countingName, registerCountingGuest, tinyGuest } from "./counting-guest.ts";
import { recordsOf, type VolumeRecord } from "./volume-check.ts";
import { WriterLog, type WriterSummary } from "./writer-log.ts";
import { volumesIn } from "./written-files.ts";

const lookEveryMs = 50;
/** Time after which every controller has heard of a change that one of them was told about a host. */
const hostsHeardMs = 3_000;
const patient = { timeoutMs: lifeLimits.buildTimeoutMs };

export interface HeardEvent {
  readonly atMs: number;
  readonly event: Event;
}

export interface WorldOptions {
  readonly nodes: number;
  /** The file of the observer: JSON lines of who could write, and when. */
  readonly writerLog: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Holds nodes down until they may start again. */
class Gates {
  readonly #held = new Map<string, PromiseWithResolvers<void>>();
  #closed = false;

  hold(node: string): void {
    if (!this.#held.has(node)) this.#held.set(node, Promise.withResolvers());
  }

  release(node: string): void {
    this.#held.get(node)?.resolve();
    this.#held.delete(node);
  }

  readonly mayStart = async (node: string): Promise<void> => {
    await this.#held.get(node)?.promise;
    if (this.#closed) throw new Error(`${node} stays down: everything ends.`);
  };

  close(): void {
    this.#closed = true;
    for (const node of [...this.#held.keys()]) this.release(node);
  }
}

export class RecoveryWorld {
  readonly cluster: BenchCluster & { close(): Promise<void> };
  readonly counters: Counters;
  readonly writers: WriterLog;
  readonly events: HeardEvent[] = [];
  readonly signal: AbortSignal;
  readonly #gates: Gates;
  readonly #links: Awaited<ReturnType<typeof openLinks>>;
  readonly #watching = new AbortController();
  /** The volume of an instance that has one. */
  readonly #volumes = new Map<string, string>();

  private constructor(
    cluster: RecoveryWorld["cluster"],
    gates: Gates,
    parts: { links: Awaited<ReturnType<typeof openLinks>>; options: WorldOptions },
  ) {
    this.cluster = cluster;
    this.#gates = gates;
    this.#links = parts.links;
    this.signal = parts.options.signal;
    this.counters = new Counters(cluster.config);
    this.writers = new WriterLog(this.sharedDirectory, parts.options.writerLog);
    void this.#watch();
  }

  static async open(options: WorldOptions): Promise<RecoveryWorld> {
    const tiny = await tinyGuest(join(tmpdir(), "novact-bench-guest"), options.say);
    const gates = new Gates();
    const { nodes, signal, say } = options;
    const cluster = await openCluster({
      ...{ guests: "real", accelerator: "tcg", nodes, controllers: 2, chaos: true, signal, say },
      mayStart: gates.mayStart,
    });
    try {
      await registerCountingGuest(cluster, tiny);
      const links = await openLinks(cluster.config);
      return new RecoveryWorld(cluster, gates, { links, options });
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get config(): ClusterConfig {
    return this.cluster.config;
  }

  get nodeNames(): readonly string[] {
    return this.config.nodes.map(({ name }) => name);
  }

  /** The directory of the storage that the nodes share. */
  get sharedDirectory(): string {
    return this.config.nodes[0]?.sharedDirectory ?? "";
  }

  /** The directory of all guests' disks. */
  get sharedGuests(): string {
    return join(this.sharedDirectory, "guests");
  }

  async #watch(): Promise<void> {
    const { signal } = this.#watching;
    try {
      for await (const event of this.cluster.admin.watch({ signal })) {
        this.events.push({ atMs: performance.now(), event });
      }
    } catch (error) {
      if (!signal.aborted) process.stderr.write(`  events are not heard any more: ${String(error)}\n`);
    }
  }

  /** Creates guests on one node, and waits until each of them counts. */
  async createGuests(node: string, count: number): Promise<readonly string[]> {
    const { admin } = this.cluster;
    const others = this.nodeNames.filter((name) => name !== node);
    for (const name of others) await admin.host.disable(name, { reason: "the guests begin elsewhere" });
    if (others.length > 0) await pause(hostsHeardMs, undefined, { signal: this.signal });
    const made = await this.#create(count);
    for (const name of others) await admin.host.enable(name, {});
    const astray = made.find(({ hostName }) => hostName !== node);
    if (astray !== undefined) throw new Error(`A guest was placed on ${astray.hostName}, not on ${node}.`);
    const ids = made.map(({ id }) => id);
    this.counters.start(ids);
    await this.countOn(ids, node, { sinceMs: performance.now(), withinMs: 60_000 });
    return ids;
  }

  /** Gives the guest a volume, and waits until it counts there too. */
  async giveVolume(instanceId: string): Promise<void> {
    const { instance, volume: volumes } = this.cluster.demo;
    const { volume } = await volumes.create({ name: `of-${instanceId}`, sizeGib: 1 });
    const { operation } = await instance.volumeAttach(instanceId, { volume: volume.id, wait: true }, patient);
    if (operation.state !== "done")
      throw new Error(`A volume was not attached: ${JSON.stringify(operation)}`);
    this.#volumes.set(instanceId, volume.id);
    const counts = async () => (await this.recordsOf(instanceId)).length > 1;
    await this.until(`${instanceId} counts on its volume`, 60_000, counts);
  }

  volumeOf(instanceId: string): string | undefined {
    return this.#volumes.get(instanceId);
  }

  /** What is written on the guest's volume at this moment. */
  recordsOf(instanceId: string): Promise<readonly VolumeRecord[]> {
    return recordsOf(this.volumePaths(instanceId).at(-1) ?? "");
  }

  /** Where the guest's volume lies, in the order of epochs: at one path, except for a moment. */
  volumePaths(instanceId: string): readonly string[] {
    const { directory, epochs, pathOf } = volumesIn(join(this.sharedDirectory, "volumes"));
    const volumeId = this.#volumes.get(instanceId) ?? "";
    return (epochs().get(volumeId) ?? []).map((epoch) => join(directory, pathOf(volumeId, epoch)));
  }

  /** Creates guests on hosts of the scheduler's choice. */
  async createAnywhere(count: number): Promise<readonly string[]> {
    const made = await this.#create(count);
    const ids = made.map(({ id }) => id);
    this.counters.start(ids);
    const when = { sinceMs: performance.now(), withinMs: 60_000 };
    await Promise.all(made.map(({ id, hostName }) => this.countOn([id], hostName ?? "", when)));
    return ids;
  }

  async #create(count: number) {
    const asked = { flavor: countingName, image: countingName, wait: true };
    const made = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        this.cluster.demo.instance.create({ ...asked, name: `counting-${index + 1}` }, patient),
      ),
    );
    const failed = made.find(({ operation }) => operation.state !== "done");
    if (failed === undefined) return made.map(({ instance }) => instance);
    throw new Error(`A guest was not made: ${JSON.stringify(failed.operation.error)}`);
  }

  countOn(ids: readonly string[], node: string, when: { sinceMs: number; withinMs: number }) {
    const { signal } = this;
    return Promise.all(ids.map((id) => this.counters.saidOn(id, { node, ...when, signal })));
  }

  /** Stops guests hard: their disks then hold exactly what was durable. */
  async stopGuests(ids: readonly string[]): Promise<void> {
    const { instance } = this.cluster.demo;
    const hard = { mode: "hard", wait: true } as const;
    await Promise.all(ids.map((id) => instance.stop(id, hard, patient)));
  }

  async deleteGuests(ids: readonly string[]): Promise<void> {
    const { instance } = this.cluster.demo;
    await Promise.all(ids.map((id) => instance.delete(id, { wait: true }, patient)));
    const volumes = ids.flatMap((id) => this.#volumes.get(id) ?? []);
    await Promise.all(volumes.map((id) => this.cluster.demo.volume.delete(id, {})));
  }

  /** Ends agent, guard, the guard's shell and guests at once; they stay down until the power is back. */
  powerLoss(nodes: readonly string[]): void {
    for (const node of nodes) this.#gates.hold(node);
    for (let round = 0; round < 20; round += 1) {
      const pids = nodes.flatMap((node) => processesOfNode(this.config, node));
      if (pids.length === 0) return;
      for (const pid of pids) kill(pid, "SIGKILL");
    }
  }

  /** Lets the node start again; its agent's keeper starts it within a second or so. */
  powerBack(node: string): void {
    this.#gates.release(node);
  }

  async killAgent(node: string): Promise<void> {
    this.#gates.hold(node);
    await this.signalAgent(node, "SIGKILL");
  }

  async signalAgent(node: string, signal: NodeJS.Signals): Promise<void> {
    const [agent] = await processesOf(this.config, node);
    if (agent === undefined) throw new Error(`The agent of ${node} does not run.`);
    await signalProcess(agent, signal);
  }

  /** Stops all traffic between the agent and NATS, in both directions; messages are delayed, not lost. */
  async partition(node: string, on: boolean): Promise<void> {
    const rules = on ? rulesOf({ kind: "blackHole" }, "both") : passing;
    await this.#links?.set(linkName(node, "nats"), rules, false);
  }

  async until(what: string, withinMs: number, holds: () => boolean | Promise<boolean>): Promise<void> {
    const startMs = performance.now();
    while (!(await holds())) {
      if (performance.now() - startMs > withinMs)
        throw new Error(`Not within ${withinMs / 1_000} s: ${what}`);
      await pause(lookEveryMs, undefined, { signal: this.signal });
    }
  }

  /** Waits until every host is heard from, and holds a host lease that is not fenced. */
  async hostsWell(): Promise<boolean> {
    const { hosts } = await this.cluster.admin.host.list({});
    return hosts.every(({ alive, lease }) => alive && lease != null && lease.fencedBy === null);
  }

  async leaseEpoch(node: string): Promise<number> {
    const { host } = await this.cluster.admin.host.get(node, {});
    return host.lease?.leaseEpoch ?? 0;
  }

  /** Processes and working directories of these guests that are left on the node. */
  remainsOn(node: string, ids: readonly string[]): readonly string[] {
    const directory = join(statePaths(this.config).node(node), "guests");
    const directories = readdirSync(directory).filter((name) => ids.includes(name));
    const opened = ids.flatMap((id) =>
      this.writers
        .openersOf(id)
        .flatMap(({ cwd, pid }) => (cwd.startsWith(`${directory}/`) ? [`pid ${pid}`] : [])),
    );
    return [...directories, ...opened];
  }

  async close(): Promise<WriterSummary> {
    this.counters.end();
    this.#watching.abort();
    this.#links?.close();
    this.#gates.close();
    const summary = await this.writers.end();
    const { config } = this;
    await this.cluster.close();
    for (const node of config.nodes)
      for (const pid of processesOfNode(config, node.name)) kill(pid, "SIGKILL");
    return summary;
  }
}

/** Every process that would lose its power with the node, found by its arguments or its working directory. */
function processesOfNode(config: ClusterConfig, node: string): readonly number[] {
  const directory = statePaths(config).node(node);
  return readdirSync("/proc").flatMap((name) => {
    if (!/^[0-9]+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      const named = argv.includes(`--name=${node}`);
      const agent = argv.includes("compute") && named && argv.includes(config.file);
      const inside = (path: string) => path === directory || path.startsWith(`${directory}/`);
      const works = agent || argv.some(inside) || inside(readlinkSync(`/proc/${name}/cwd`));
      return works ? [Number(name)] : [];
    } catch {
      // The process ended while it was looked at, or is a zombie.
      return [];
    }
  });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
