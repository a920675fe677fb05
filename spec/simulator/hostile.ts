/**
 * What surrounds whoever is hostile, a project that floods or a host that lies: work takes time at the
 * controllers, a bystander of another project asks something again and again and is to be answered, and the
 * judge is told when it begins and ends.
 */
import type { Fact } from "../../actors/promises/facts.ts";
import { createClients } from "../../nodes/sdk/clients.ts";
import { admissionLimits } from "../../protocol/limits/admission.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { BusyLoop } from "./busy-loop.ts";
import { type Cluster, cell } from "./cluster.ts";
import { type Kernel, nobody } from "./kernel.ts";
import { SimulatedProcess } from "./process.ts";

export interface HostileWorld {
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly tell: (fact: Fact) => void;
}

export interface HostileDeed {
  /** The project that floods, or the host that lies. */
  readonly who: string;
  /** How many conspire; absent: one. */
  readonly projects?: number;
  /** True: nothing else is broken, so the judge blames the flood or the lies for every late renewal. */
  readonly alone: boolean;
  /** For how long it goes on. */
  readonly forMs: number;
}

/** The time after it in which its traces may still be seen: what waits in line, and the next renewals. */
const afterwardsMs = 6_000;
const { requestsAtWorkPerProjectMax, requestsQueuedPerProjectMax, waitsPerProjectMax } = admissionLimits;
/** Requests of one project at one controller: those that are worked on, are in line, or only wait. */
const underWayMax = requestsAtWorkPerProjectMax + requestsQueuedPerProjectMax + waitsPerProjectMax;
const askEveryMs = 250;
const measureEveryMs = 500;
/** The bystander's own deadline: its answer takes two ways and a read. */
const deadlineMs = 2_000;

/** What a message costs the event loop that hears it, beside the turns that come of it. */
const costs = {
  /** Nothing was answered: not even read. */
  droppedMs: 0.005,
  /** Answered at once: refused. */
  refusedMs: 0.05,
  /** Anything else, when it is answered: decoded, checked, worked on, encoded. */
  heardMs: 1,
  /** Of a body that was read. */
  perKibMs: 0.02,
} as const;

/** Begins what surrounds the deed; answers the process of whoever does it. */
export function beginHostile(
  world: HostileWorld,
  { who, alone, forMs, projects = 1 }: HostileDeed,
): SimulatedProcess {
  const { kernel, cluster, tell } = world;
  const process = strangerOf(world, who);
  const underWay = new UnderWay();
  process.burden = (to, message, work) => {
    lay(kernel, to, message, work);
    underWay.add(to, work);
  };
  const threads = cluster.controllers.flatMap(({ process: controller }) => controller.threads);
  const loops = threads.map((thread) => {
    thread.loop ??= new BusyLoop(kernel);
    thread.loop.begin();
    return thread.loop;
  });
  tell({ kind: "hostileBegan", atMs: kernel.nowMs, who, alone });
  const bystander = new Bystander(world, alone);
  bystander.every(measureEveryMs, () => underWay.measure(world, who, underWayMax * projects));
  bystander.every(askEveryMs, () => void bystander.ask());
  kernel.after(nobody, forMs, "", () => process.kill());
  kernel.after(nobody, forMs + afterwardsMs, "", () => {
    bystander.end();
    for (const loop of loops) loop.end();
    tell({ kind: "hostileEnded", atMs: kernel.nowMs, who, alone });
  });
  return process;
}

/** A process on a computer that is none of the cell's. */
export const strangerOf = ({ kernel }: HostileWorld, name: string): SimulatedProcess =>
  new SimulatedProcess(kernel, name, { name, wallShiftMs: 0, monotonicShiftMs: 0 }, kernel.steps);

/** Counts the cost of a message when it is known what has become of it. */
function lay(
  kernel: Kernel,
  { loop }: SimulatedProcess,
  { body }: BusMessage,
  work: Promise<BusMessage | readonly BusMessage[] | undefined>,
): void {
  const { steps } = kernel;
  void work.then((answer) => {
    const atOnce = kernel.steps === steps;
    const readMs = (body.length / 1024) * costs.perKibMs;
    if (atOnce && answer === undefined) loop?.add(costs.droppedMs);
    else loop?.add(atOnce ? costs.refusedMs + readMs : costs.heardMs + readMs);
  });
}

/** How many of its messages each controller works on at once: as many as one project may have. */
class UnderWay {
  readonly #counts = new Map<string, number>();

  add({ name }: SimulatedProcess, work: Promise<unknown>): void {
    const change = (by: number) => this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
    change(1);
    void work.finally(() => change(-1));
  }

  measure({ kernel, tell }: HostileWorld, who: string, max: number): void {
    for (const [name, amount] of this.#counts) {
      const what = `${name}, requests of ${who} under way,`;
      tell({ kind: "measured", atMs: kernel.nowMs, what, amount, max });
    }
  }
}

/** Asks for a list, and takes note when it is not answered before its deadline. */
class Bystander {
  readonly #world: HostileWorld;
  readonly #alone: boolean;
  readonly #process: SimulatedProcess;
  readonly #clients: ReturnType<typeof createClients>;

  constructor(world: HostileWorld, alone: boolean) {
    this.#world = world;
    this.#alone = alone;
    this.#process = strangerOf(world, "bystander");
    const { clock, ids } = this.#process;
    const bus = world.cluster.network.connect(this.#process);
    this.#clients = createClients({ bus, clock, ids, project: "bystanders", cell, random: () => 0.5 });
  }

  end(): void {
    this.#process.kill();
  }

  /** Until the end of its process. */
  every(periodMs: number, work: () => void): void {
    this.#world.kernel.after(this.#process, periodMs, "", () => {
      work();
      this.every(periodMs, work);
    });
  }

  async ask(): Promise<void> {
    const { kernel, tell } = this.#world;
    const askedAtMs = kernel.nowMs;
    const answered = await this.#clients.instance.list({}, { timeoutMs: deadlineMs }).then(
      () => true,
      () => false,
    );
    const tookMs = kernel.nowMs - askedAtMs;
    tell({ kind: "bystanderAsked", atMs: kernel.nowMs, tookMs, answered, alone: this.#alone });
  }
}
