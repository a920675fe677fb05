/**
 * growth: what each process holds after 13,000 creates of guests that only pretend: at its highest, after the
 * last create, after a rest, and after all instances are gone and another rest. One controller, two compute
 * nodes. Bounds that were not kept are sentences; nothing is asserted.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { load } from "./figures.ts";
import { memoryNow } from "./flood-observer.ts";
import { floodBounds, leftOver } from "./flood-verdict.ts";
import { type Note, unnoted } from "./note.ts";

const clients = 32;
const lookEveryMs = 500;
const patient = { timeoutMs: 120_000 };
const request = { name: "bench", flavor: "bench", image: "bench", wait: true };
const pageLength = 500;

export interface GrowthOptions {
  /** Instances that stay until all are made. */
  readonly creates: number;
  /** Instances that are made, stopped, started and deleted at once, after the others. */
  readonly lives: number;
  /** How long memory is given back, twice: with all instances, and without any. */
  readonly restSeconds: number;
  readonly note: Note;
}

const usual: GrowthOptions = { creates: 10_000, lives: 3_000, restSeconds: 300, note: unnoted };

type Mib = Readonly<Record<string, number>>;

export async function growth(options: Partial<GrowthOptions> = {}): Promise<unknown> {
  const { creates, lives, restSeconds, note } = { ...usual, ...options };
  return withCluster({ guests: "pretended" }, async (cluster) => {
    await prepareCatalog(cluster);
    // As a cluster is once it has been in use: what a first create loads and compiles is no growth.
    await live(cluster, Math.min(lives, clients));
    await pause(lookEveryMs);
    const highest = new Highest(cluster);
    const measured: Record<string, Mib> = {};
    const look = (part: string): Mib => {
      const mib = memoryNow(cluster);
      measured[part] = mib;
      note(part, { mib, highestMib: highest.mib });
      process.stderr.write(`  ${part}: ${JSON.stringify(mib)}, at most ${JSON.stringify(highest.mib)}\n`);
      return mib;
    };
    try {
      const startMib = look("start");
      await load({ count: creates, clients, secondsMax: Number.POSITIVE_INFINITY }, () =>
        cluster.demo.instance.create(request, patient),
      );
      await live(cluster, lives);
      look("created");
      await pause(restSeconds * 1_000);
      look("rested");
      await removeAll(cluster);
      await pause(restSeconds * 1_000);
      const endMib = look("emptied");
      const passed = [...tooLarge(highest.mib), ...leftOver(startMib, endMib)];
      for (const sentence of passed) process.stderr.write(`  ${sentence}\n`);
      return { creates: creates + lives, restSeconds, measured, highestMib: highest.mib, passed, target };
    } finally {
      highest.end();
    }
  });
}

const target = `no process above ${floodBounds.peakMib} MiB; at the end none ${floodBounds.leftMib} MiB above its start`;

const tooLarge = (highest: Mib): readonly string[] =>
  Object.entries(highest)
    .filter(([, mib]) => mib > floodBounds.peakMib)
    .map(([name, mib]) => `${name} held ${mib} MiB`);

/** The most that one process has held so far, by kind of process. */
class Highest {
  mib: Mib = {};
  readonly #timer: NodeJS.Timeout;

  constructor(cluster: BenchCluster) {
    this.#timer = setInterval(() => this.#look(cluster), lookEveryMs);
    this.#look(cluster);
  }

  #look(cluster: BenchCluster): void {
    const now = memoryNow(cluster);
    const higher = Object.entries(now).map(([name, mib]) => [name, Math.max(mib, this.mib[name] ?? 0)]);
    this.mib = { ...this.mib, ...Object.fromEntries(higher) };
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** Whole lives, one after the other for each client. */
async function live({ demo: { instance } }: BenchCluster, count: number): Promise<void> {
  await load({ count, clients, secondsMax: Number.POSITIVE_INFINITY }, async () => {
    const { id } = (await instance.create(request, patient)).instance;
    for (const step of ["stop", "start", "delete"] as const)
      await instance[step](id, { wait: true }, patient);
  });
}

async function removeAll({ demo: { instance } }: BenchCluster): Promise<void> {
  for (;;) {
    const { instances } = await instance.list({ limit: pageLength }, patient);
    if (instances.length === 0) return;
    await load({ count: instances.length, clients, secondsMax: Number.POSITIVE_INFINITY }, (index) =>
      instance.delete(instances[index]?.id ?? "", { wait: true }, patient),
    );
  }
}
