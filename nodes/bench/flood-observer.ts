/**
 * Watches a cluster from outside while it is flooded: how far apart the renewals of each host lease are,
 * which guests are stopped, how much memory our processes hold. It reads PostgreSQL and /proc, and asks no
 * process of the cluster.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Probe, StoredLease } from "../../db/bench/probe.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { statePaths } from "../config/config.ts";
import { parseStat } from "../drivers/process-stat.ts";
import type { BenchCluster, ClusterProcess } from "./bench-cluster.ts";

/** So often leases and guests are looked at: a gap is known up to about this much. */
const lookEveryMs = 100;
const memoryEveryMs = 500;

export interface Seen {
  /** The longest time between two renewals of one lease, beyond their period; 0: none was late. */
  readonly renewalLateMs: number;
  /** The longest time between two looks at the leases: gaps are known no better than this. */
  readonly lookMs: number;
  /** Lease epochs that were granted and hosts that were fenced meanwhile. */
  readonly fenced: number;
  /** Instances whose process was seen stopped. */
  readonly guestsStopped: readonly string[];
  /** SIGSTOPs in the logs of guards. */
  readonly guardStops: number;
  /** The most that one process held, in MiB, by kind of process. */
  readonly peakMib: Readonly<Record<string, number>>;
  /** Times that the NATS server gave a connection up as too slow. */
  readonly slowConsumers: number;
}

export class FloodObserver {
  readonly #cluster: BenchCluster;
  readonly #probe: Probe;
  readonly #ending = new AbortController();
  readonly #renewals = new Renewals();
  readonly #stopped = new Set<string>();
  readonly #peakMib: Record<string, number> = {};
  readonly #before: { readonly guardStops: number; readonly slowConsumers: number };
  readonly #work: Promise<unknown>;

  constructor(cluster: BenchCluster, probe: Probe) {
    this.#cluster = cluster;
    this.#probe = probe;
    this.#before = this.#logged();
    this.#work = Promise.all([
      this.#repeat(lookEveryMs, () => this.#lookAtLeases()),
      this.#repeat(lookEveryMs, async () => this.#lookAtGuests()),
      this.#repeat(memoryEveryMs, async () => this.#lookAtMemory()),
    ]);
  }

  async end(): Promise<Seen> {
    this.#ending.abort();
    await this.#work;
    const after = this.#logged();
    return {
      ...this.#renewals.seen(performance.now()),
      guestsStopped: [...this.#stopped],
      guardStops: after.guardStops - this.#before.guardStops,
      slowConsumers: after.slowConsumers - this.#before.slowConsumers,
      peakMib: this.#peakMib,
    };
  }

  async #repeat(everyMs: number, look: () => Promise<void>): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await look();
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #lookAtLeases(): Promise<void> {
    this.#renewals.see(await this.#probe.leases(), performance.now());
  }

  #guests: readonly ClusterProcess[] = [];
  #ours: readonly ClusterProcess[] = [];

  #lookAtGuests(): void {
    for (const { pid, detail } of this.#guests) if (stateOf(pid) === "T") this.#stopped.add(detail);
  }

  #lookAtMemory(): void {
    const all = this.#cluster.processes();
    this.#guests = all.filter(({ name }) => name === "guests");
    this.#ours = all.filter(({ name }) => name !== "guests");
    for (const { pid, name } of this.#ours)
      this.#peakMib[name] = Math.max(this.#peakMib[name] ?? 0, residentMib(pid));
  }

  #logged() {
    const paths = statePaths(this.#cluster.config);
    const guards = this.#cluster.config.nodes.map(({ name }) => join(paths.node(name), "guard", "log"));
    return {
      guardStops: guards.reduce((sum, file) => sum + linesWith(file, "SIGSTOP to "), 0),
      slowConsumers: linesWith(join(paths.log, "nats.log"), "Slow Consumer"),
    };
  }
}

/** The most memory that one process holds now, in MiB, by kind of process; guests are not counted. */
export function memoryNow(cluster: BenchCluster): Readonly<Record<string, number>> {
  const most: Record<string, number> = {};
  for (const { pid, name } of cluster.processes())
    if (name !== "guests") most[name] = Math.max(most[name] ?? 0, residentMib(pid));
  return most;
}

interface Renewed {
  readonly lease: StoredLease;
  readonly atMs: number;
}

/** The gaps between renewals, from looks at what is stored. */
export class Renewals {
  readonly #last = new Map<string, Renewed>();
  #gapMs = 0;
  #lookMs = 0;
  #lookedAtMs: number | undefined;
  #fenced = 0;

  see(leases: readonly StoredLease[], atMs: number): void {
    if (this.#lookedAtMs !== undefined) this.#lookMs = Math.max(this.#lookMs, atMs - this.#lookedAtMs);
    this.#lookedAtMs = atMs;
    for (const lease of leases) {
      const last = this.#last.get(lease.hostId);
      const isNew = last?.lease.renewals !== lease.renewals || last.lease.leaseEpoch !== lease.leaseEpoch;
      if (last !== undefined && isNew) this.#gap(last, atMs);
      if (last !== undefined && !last.lease.fenced && lease.fenced) this.#fenced += 1;
      this.#last.set(lease.hostId, last === undefined || isNew ? { lease, atMs } : { ...last, lease });
    }
  }

  #gap({ lease, atMs }: Renewed, nowMs: number): void {
    if (!lease.fenced) this.#gapMs = Math.max(this.#gapMs, nowMs - atMs);
  }

  /** With the gaps that have not ended yet. */
  seen(nowMs: number): Pick<Seen, "renewalLateMs" | "lookMs" | "fenced"> {
    for (const last of this.#last.values()) this.#gap(last, nowMs);
    const lateMs = Math.max(0, this.#gapMs - leaseLimits.heartbeatPeriodMs);
    return { renewalLateMs: Math.round(lateMs), lookMs: Math.round(this.#lookMs), fenced: this.#fenced };
  }
}

/** The state of the process as one letter; empty when it has ended. */
const stateOf = (pid: number): string => parseStat(read(`/proc/${pid}/stat`))?.state ?? "";

/**
 * What the process holds by itself, in MiB: without memory that processes share. PostgreSQL takes its shared
 * buffers once, at its start and of a fixed size, and each of its processes counts the pages of them that it
 * has touched so far as its own. Source: proc(5), VmRSS less RssShmem.
 */
function residentMib(pid: number): number {
  return ownMib(read(`/proc/${pid}/status`));
}

/** The same from the text of /proc/PID/status; 0 for a process that has ended. */
export function ownMib(status: string): number {
  const kibOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return Math.round((kibOf("VmRSS") - kibOf("RssShmem")) / 1024);
}

const linesWith = (file: string, word: string): number => read(file).split(word).length - 1;

/** The text of a file; empty where there is none: of an ended process, or of a log that nobody has begun. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
