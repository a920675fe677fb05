/**
 * scheduler: one decision among 10, 1,000 and 10,000 hosts with every filter and weigher on, each followed by
 * the claim of its first host; and the scheduler's other work: many decisions at once, explanations, denials,
 * signs of life, and new views from the records of a read. Runs in this process without a cluster: for each
 * question the scheduler does no more than this.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decide } from "../../actors/control/scheduler/decide.ts";
import type { PlacementRequest, SchedulerMessage } from "../../actors/control/scheduler/messages.ts";
import { createScheduler, type Scheduler } from "../../actors/control/scheduler/schedule.ts";
import { emptyState, type SchedulerState } from "../../actors/control/scheduler/state.ts";
import type { Reply } from "../../actors/runtime/system.ts";
import { round, spread } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";
import { type BenchHost, benchHosts, benchRequests, idOf } from "./scheduler-world.ts";

const decisions = 1_000;
const warmUps = 200;

export interface SchedulerOptions {
  /** Numbers of hosts. */
  readonly sizes: readonly number[];
  readonly note: Note;
}

export async function scheduler(options: Partial<SchedulerOptions> = {}): Promise<unknown> {
  const { sizes, note } = { sizes: [10, 1_000, 10_000], note: unnoted, ...options };
  const results: Record<string, unknown> = {};
  for (const size of sizes) {
    process.stderr.write(`  ${size} hosts\n`);
    results[`hosts${size}`] = ofSize(size);
    note(`${size} hosts`, results[`hosts${size}`]);
  }
  return { ...results, target: "10,000 hosts: at most 1 ms at the median" };
}

/** Discards the answer: only the decision is measured. */
const reply: Reply<never> & Reply<unknown> = { ok: () => undefined, fail: () => undefined, done: false };

const refresh = (hosts: readonly BenchHost[], readAtMs: number): SchedulerMessage => ({
  kind: "refresh",
  hosts,
  readAtMs,
  wallMs: 1_000_000,
});

function ofSize(size: number): unknown {
  const engine = createScheduler();
  const hosts = benchHosts(size);
  const collect = collector();
  collect();
  const before = process.memoryUsage().heapUsed;
  const world = new World(engine, hosts);
  collect();
  const viewsMib = mebibytes(process.memoryUsage().heapUsed - before);
  const requests = Object.entries(benchRequests(size));
  const one = Object.fromEntries(requests.map(([name, request]) => [name, decided(world, request)]));
  collect();
  const afterMib = mebibytes(process.memoryUsage().heapUsed - before);
  return { decision: one, ...others(world, size), memory: { viewsMib, afterAllDecisionsMib: afterMib } };
}

/** The scheduler's state as its actor keeps it, with its own clock: every read is a millisecond later. */
class World {
  readonly #engine: Scheduler;
  readonly #hosts: readonly BenchHost[];
  #atMs = 0;
  state: SchedulerState;

  constructor(engine: Scheduler, hosts: readonly BenchHost[]) {
    this.#engine = engine;
    this.#hosts = hosts;
    this.state = decide(engine, emptyState(), refresh(hosts, 0), 0).next;
  }

  /** Makes views from the records of a read; answers how long that takes, in ms. */
  readAnew(): number {
    this.#atMs++;
    const startMs = performance.now();
    this.state = decide(this.#engine, this.state, refresh(this.#hosts, this.#atMs), this.#atMs).next;
    return performance.now() - startMs;
  }

  /** The same while a question waits for the read that no host fits: includes the cost of the denial. */
  readAndDeny(question: SchedulerMessage): number {
    this.state = decide(this.#engine, this.state, question, this.#atMs).next;
    return this.readAnew();
  }

  /** How long the handling of one message takes, in ms. */
  turn(message: SchedulerMessage): { readonly ms: number; readonly found: string | undefined } {
    const startMs = performance.now();
    const decision = decide(this.#engine, this.state, message, this.#atMs);
    const ms = performance.now() - startMs;
    const [answer] = decision.answers;
    // A question that waits for a read would never be answered here.
    this.state = { ...decision.next, waiting: [] };
    const ranked = answer?.kind === "rank" && answer.answer.kind === "ranked" ? answer.answer.candidates : [];
    return { ms, found: ranked[0]?.hostId };
  }
}

function decided(world: World, request: PlacementRequest): unknown {
  let result: unknown;
  for (const count of [warmUps, decisions]) result = series(world, request, count);
  return result;
}

/**
 * Measures wall-clock and processor time; the latter says more when other programs use the computer as well.
 */
function series(world: World, request: PlacementRequest, count: number): unknown {
  const [ms, processorMs]: [number[], number[]] = [[], []];
  let found = 0;
  world.readAnew();
  const startMs = performance.now();
  for (let index = 0; index < count; index++) {
    const before = process.cpuUsage();
    const turn = world.turn({ kind: "rank", request, reply });
    const { user, system } = process.cpuUsage(before);
    ms.push(turn.ms);
    processorMs.push((user + system) / 1_000);
    if (turn.found === undefined) continue;
    found++;
    world.turn({ kind: "claimed", hostId: turn.found, amounts: request });
  }
  const perSecond = round((1_000 * count) / (performance.now() - startMs), 0);
  return { ms: spread(ms), processorMs: spread(processorMs), decisionsAndClaimsPerSecond: perSecond, found };
}

function others(world: World, size: number): Readonly<Record<string, unknown>> {
  const requests = benchRequests(size);
  const asked = (name: string) => requests[name] ?? never();
  const repeated = (times: number, message: (index: number) => SchedulerMessage) => {
    world.readAnew();
    const ms = Array.from({ length: times }, (_, index) => world.turn(message(index)).ms);
    return spread(ms.slice(Math.floor(times / 10)));
  };
  const many = (name: string, count: number) =>
    repeated(50, () => ({ kind: "rankMany", request: asked(name), count, reply }));
  const host = (index: number) => ({ hostId: idOf(index % size) });
  const reads = (read: () => number) => spread(Array.from({ length: 50 }, read).slice(5));
  return {
    oneAsACreateAsksMs: repeated(500, () => ({
      kind: "rankMany",
      request: asked("plain"),
      count: 1,
      reply,
    })),
    hundredAtOnceMs: many("plain", 100),
    thousandAtOnceMs: many("plain", 1_000),
    thousandOfAnAntiAffinityGroupMs: many("antiAffinity", 1_000),
    explainMs: repeated(50, () => ({ kind: "explain", request: asked("everything"), reply })),
    heardMs: repeated(5_000, (index) => ({ kind: "heard", ...host(index) })),
    claimMs: repeated(5_000, (index) => ({ kind: "claimed", ...host(index), amounts: asked("plain") })),
    viewsFromRecordsMs: reads(() => world.readAnew()),
    viewsFromRecordsAndDenialMs: reads(() =>
      world.readAndDeny({ kind: "rank", request: asked("nothingFits"), reply }),
    ),
  };
}

function never(): never {
  throw new Error("There is no such request.");
}

const mebibytes = (bytes: number): number => round(bytes / 1024 ** 2, 1);

/** A function that collects garbage now, so that only live memory is left. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
