/**
 * flood: one tenant floods a cluster from one niced process, in one way after the other, while two others
 * have 20 guests and ask for little. Beside each attack there is a control run: the same to a subject that
 * nobody hears, or nothing at all. A cluster of two nodes with real guests where their programs are
 * installed, else with guests that only pretend.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openProbe, type Probe } from "../../db/bench/probe.ts";
import { lifeLimits } from "../../protocol/limits/life.ts";
import { startFlood } from "../chaos/flood-child.ts";
import { type FloodKind, type FloodTask, floodMeanings } from "../chaos/flood-kinds.ts";
import type { HypervisorChoice } from "../chaos/hypervisor-choices.ts";
import { makeOffer, type Offer } from "../chaos/offer.ts";
import { connectionOf, postgresUrlOf } from "../config/config.ts";
import { pretendingHypervisor } from "../drivers/built-in.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { connect, type Novact } from "../sdk/sdk.ts";
import { type BenchCluster, type GuestKind, hypervisorOf, withCluster } from "./bench-cluster.ts";
import { missingForGuests } from "./counting-guest.ts";
import { FloodObserver, memoryNow } from "./flood-observer.ts";
import { type FloodRun, floodBounds, floodTable, leftOver, passedBounds } from "./flood-verdict.ts";
import { suffer, type Victim } from "./flood-victims.ts";
import { type Note, unnoted } from "./note.ts";

const flooder = "flooder";
const victims = ["alpha", "beta"] as const;
/** Discovery has no such subject, and a tenant may ask it. */
const nobodyHears = "$SRV.nobody.hears.what.is.sent.here";
/** What is on its way when an attack ends is over after this time, and belongs to it. */
const tailMs = 3_000;
const createsCount = 1_000;
const patient = { timeoutMs: lifeLimits.buildTimeoutMs };

/** Attacks of which the same can be sent to nobody. The others are compared with a run without any sender. */
const poured: readonly FloodKind[] = ["small", "questions", "large"];
const quiet = "quiet";
const controlOf = (kind: FloodKind): string => (poured.includes(kind) ? `${kind} to nobody` : quiet);

export interface FloodOptions {
  /** Length of each attack, and of each control run. */
  readonly seconds: number;
  /** How long after the last attack the memory is looked at again. */
  readonly restSeconds: number;
  readonly guests: number;
  readonly kinds: readonly FloodKind[];
  /** Instances of each of the creates. */
  readonly createsCount: number;
  readonly signal: AbortSignal;
  readonly note: Note;
}

const all: readonly FloodKind[] = [...poured, ...(["connections", "polls", "consoles", "creates"] as const)];

const usual: FloodOptions = {
  seconds: 60,
  restSeconds: 0,
  guests: 20,
  kinds: all,
  createsCount,
  signal: new AbortController().signal,
  note: unnoted,
};

/** @throws Error for a name that is no attack's */
export function floodKindsOf(names: readonly string[]): readonly FloodKind[] {
  return names.map((name) => {
    const kind = all.find((one) => one === name);
    if (kind === undefined) throw new Error(`There is no attack ${name}. There are: ${all.join(", ")}.`);
    return kind;
  });
}

export interface FloodResult {
  readonly hypervisor: string;
  readonly bounds: typeof floodBounds;
  readonly startMib: Readonly<Record<string, number>>;
  readonly restMib: Readonly<Record<string, number>>;
  readonly runs: readonly FloodRun[];
  readonly passed: Readonly<Record<string, readonly string[]>>;
}

export async function flood(options: Partial<FloodOptions> = {}): Promise<FloodResult> {
  const chosen = { ...usual, ...options };
  const missing = missingForGuests();
  const guests: GuestKind = missing === undefined ? "real" : "pretended";
  const hypervisor = hypervisorOf[guests];
  say(`the guests are of the driver ${hypervisor}${missing === undefined ? "" : `: ${missing}`}`);
  const projects = [...victims, flooder];
  const { signal } = chosen;
  return withCluster({ guests, nodes: 2, pretendingNodes: 1, projects, signal }, async (cluster) => {
    const log = openLog({ process: "bench", file: join(cluster.directory, "bench.log") });
    const probe = await openProbe(postgresUrlOf(cluster.config), systemClock, log);
    const world = await FloodWorld.open(cluster, { ...chosen, hypervisor, probe });
    try {
      return { hypervisor, bounds: floodBounds, ...(await world.measure()) };
    } finally {
      await world.close();
      await probe.close();
    }
  });
}

const say = (text: string): unknown => process.stderr.write(`  ${text}\n`);

interface WorldOptions extends FloodOptions {
  readonly hypervisor: HypervisorChoice;
  readonly probe: Probe;
}

class FloodWorld {
  readonly #cluster: BenchCluster;
  readonly #options: WorldOptions;
  readonly #offer: Offer;
  readonly #victims: readonly Victim[];
  readonly #flooder: Victim;
  readonly #runs: FloodRun[] = [];

  private constructor(
    cluster: BenchCluster,
    options: WorldOptions,
    parts: { offer: Offer; victims: readonly Victim[]; flooder: Victim },
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#offer = parts.offer;
    this.#victims = parts.victims;
    this.#flooder = parts.flooder;
  }

  static async open(cluster: BenchCluster, options: WorldOptions): Promise<FloodWorld> {
    const { config, admin } = cluster;
    const offer = await makeOffer(config, admin, "flood");
    const settle = async (project: string, count: number): Promise<Victim> => {
      const novact = await connect({ config: config.file, project });
      const asked = { name: project, flavor: offer.flavor, image: offer.imageFor(options.hypervisor) };
      const instances: string[] = [];
      for (let index = 0; index < count; index += 1) {
        const { instance, operation } = await novact.instance.create({ ...asked, wait: true }, patient);
        if (operation.state !== "done") throw new Error(`No guest: ${JSON.stringify(operation.error)}`);
        instances.push(instance.id);
      }
      return { novact, instances };
    };
    const each = Math.ceil(options.guests / victims.length);
    const settled: Victim[] = [];
    for (const project of victims) settled.push(await settle(project, each));
    const attacker = await settle(flooder, 1);
    say(`${each * victims.length} guests run`);
    return new FloodWorld(cluster, options, { offer, victims: settled, flooder: attacker });
  }

  async measure(): Promise<Omit<FloodResult, "hypervisor" | "bounds">> {
    const { kinds, restSeconds, signal } = this.#options;
    await pause(tailMs, undefined, { signal });
    const startMib = memoryNow(this.#cluster);
    for (const kind of kinds) {
      const control = controlOf(kind);
      if (!this.#runs.some(({ name }) => name === control)) await this.#control(control, kind);
      await this.#run({ name: kind, control, task: this.#taskOf(kind) });
      if (kind === "creates") await this.#removeCreated();
    }
    if (restSeconds > 0) say(`waiting for ${restSeconds} s`);
    await pause(restSeconds * 1_000, undefined, { signal });
    const restMib = memoryNow(this.#cluster);
    const passed = Object.fromEntries([
      ...this.#runs.map((run) => [run.name, passedBounds(run, this.#runs)] as const),
      ["afterwards", restSeconds > 0 ? leftOver(startMib, restMib) : []] as const,
    ]);
    process.stderr.write(`${floodTable(this.#runs)}\n`);
    for (const [name, sentences] of Object.entries(passed))
      for (const sentence of sentences) say(`${name}: ${sentence}`);
    return { startMib, restMib, runs: this.#runs, passed };
  }

  #control(name: string, kind: FloodKind): Promise<void> {
    return name === quiet
      ? this.#run({ name })
      : this.#run({ name, task: { ...this.#taskOf(kind), subject: nobodyHears } });
  }

  #taskOf(kind: FloodKind): FloodTask {
    const { config } = this.#cluster;
    const { seconds, createsCount: count } = this.#options;
    return {
      ...{ kind, seconds, cell: config.cell, project: flooder, credentials: connectionOf(config, flooder) },
      instances: this.#flooder.instances,
      wanted: { flavor: this.#offer.flavor, image: this.#offer.imageFor(pretendingHypervisor), count },
    };
  }

  async #run({ name, control, task }: { name: string; control?: string; task?: FloodTask }): Promise<void> {
    const { signal, seconds, probe } = this.#options;
    say(`${name}, ${seconds} s${task === undefined ? "" : `: ${floodMeanings[task.kind]}`}`);
    const observer = new FloodObserver(this.#cluster, probe);
    const over = new AbortController();
    const suffering = suffer(this.#victims, AbortSignal.any([over.signal, signal]));
    let sent: FloodRun["flood"];
    try {
      if (task === undefined) await pause(seconds * 1_000, undefined, { signal });
      else sent = await this.#send(task);
      await pause(tailMs, undefined, { signal });
    } finally {
      over.abort();
      const [others, seen] = [await suffering, await observer.end()];
      const about = { name, ...(control === undefined ? {} : { control }), ...(sent && { flood: sent }) };
      const run = { ...about, others, seen };
      this.#runs.push(run);
      this.#options.note(name, run);
    }
  }

  async #send(task: FloodTask): Promise<FloodRun["flood"]> {
    const { signal } = this.#options;
    const running = startFlood(task);
    const stop = () => void running.stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await running.ended;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** What was made is removed, so that the memory that is left is not that of instances. */
  async #removeCreated(): Promise<void> {
    const { novact, instances: own } = this.#flooder;
    for (;;) {
      const { instances } = await novact.instance.list({ limit: 100 }, patient);
      const created = instances.filter(({ id, state }) => !own.includes(id) && state !== "deleting");
      if (created.length === 0 && instances.length <= own.length) return;
      await Promise.all(created.map(({ id }) => removed(novact, id)));
      await pause(100, undefined, { signal: this.#options.signal });
    }
  }

  async close(): Promise<void> {
    for (const { novact } of [...this.#victims, this.#flooder]) await novact.close();
  }
}

const removed = (novact: Novact, id: string): Promise<unknown> =>
  novact.instance.delete(id, { wait: true }, patient);
