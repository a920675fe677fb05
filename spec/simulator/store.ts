/**
 * The store as one process reaches it: the memory store behind a network. It may be slow or away, a commit
 * may be rolled back for no reason of its own, or be applied and its answer lost. Every commit is told to
 * the judge at the moment at which it is applied.
 */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Renewal, Store } from "../../actors/ports/store.ts";
import type { CommitResult, Turn } from "../../actors/records/commit.ts";
import type { MemoryStore } from "../../db/memory/store.ts";
import { postgresLimits } from "../../db/postgres/limits.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Interposer } from "./interposer.ts";
import { type Kernel, nobody } from "./kernel.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

export interface StoreRates {
  latencyMs: number;
  /** Rolled back: a serialization failure, a full disk, a time-out. */
  rolledBack: number;
  /** Applied, and nobody hears of it. */
  answerLost: number;
  slow: number;
  slowMs: number;
}

export interface StoreOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly rates: StoreRates;
  readonly interposer: Interposer;
  readonly inner: MemoryStore;
  readonly committed: (by: string, turn: Turn, result: CommitResult) => void;
  readonly renewed: (hostId: string, epoch: number) => void;
}

/** How often a call that found the server away looks for it again. */
const lookAgainMs = 100;

export class StoreServer {
  up = true;
  /** Names of processes that do not reach it. */
  readonly cutOff = new Set<string>();
  readonly rates: StoreRates;
  /** Asked for, and not yet applied or refused: news may be in it. */
  committing = 0;
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.rates = options.rates;
  }

  get inner(): MemoryStore {
    return this.#options.inner;
  }

  connect(process: SimulatedProcess): Store {
    const inner = this.#options.inner;
    const handler: ProxyHandler<MemoryStore> = {
      get: (_target, name: string) => {
        if (name === "close") return () => Promise.resolve();
        return (...given: unknown[]) => this.#call(process, name, given);
      },
    };
    return new Proxy(inner, handler) as Store;
  }

  #call(process: SimulatedProcess, name: string, given: readonly unknown[]): Promise<unknown> {
    const { kernel, interposer, random } = this.#options;
    if (!process.alive) return new Promise(() => undefined);
    const fault = name === "commit" ? interposer.durable(process, whatOf(given[0] as Turn)) : undefined;
    if (fault === "crashBefore") {
      process.kill();
      return new Promise(() => undefined);
    }
    const amount = name === "commit" ? 1 : 0;
    this.committing += amount;
    return new Promise((resolve, reject) => {
      const back = (settle: () => void) =>
        kernel.after(process, random.latencyMs(this.rates.latencyMs / 2), "", settle);
      const fail = () => back(() => reject(away(name)));
      const slowMs = random.chance(this.rates.slow) ? random.latencyMs(this.rates.slowMs) : 0;
      const extraMs = fault === "delay" ? 400 : slowMs;
      kernel.after(nobody, random.latencyMs(this.rates.latencyMs / 2) + extraMs, "", () => {
        const performed = this.#perform({
          process,
          name,
          given,
          fault,
          patienceMs: postgresLimits.storePatienceMs,
        });
        performed
          .finally(() => {
            this.committing -= amount;
          })
          .then(
            (value) => back(() => resolve(value)),
            (thrown: unknown) => (thrown === lost ? fail() : back(() => reject(thrown))),
          );
      });
    });
  }

  async #perform(call: Call): Promise<unknown> {
    const { kernel, random } = this.#options;
    if (!this.up || this.cutOff.has(call.process.name)) {
      if (call.patienceMs <= 0) throw lost;
      await kernel.sleep(nobody, lookAgainMs, "");
      return this.#perform({ ...call, patienceMs: call.patienceMs - lookAgainMs });
    }
    if (call.name === "renewLeases") return this.#renew(call);
    if (call.name !== "commit") return this.#read(call);
    if (random.chance(this.rates.rolledBack)) throw lost;
    const result = await this.#commit(call);
    if (call.fault === "double") await this.#commit(call);
    if (call.fault === "crashAfter") call.process.kill();
    if (call.fault === "loseReply" || random.chance(this.rates.answerLost)) throw lost;
    return result;
  }

  async #renew(call: Call): Promise<unknown> {
    const { random, inner, renewed } = this.#options;
    if (random.chance(this.rates.rolledBack)) throw lost;
    const leases = call.given[0] as readonly Renewal[];
    const held = await inner.renewLeases(leases);
    for (const { hostId, epoch } of leases) if (held.includes(hostId)) renewed(hostId, epoch);
    if (random.chance(this.rates.answerLost)) throw lost;
    return held;
  }

  #read({ name, given }: Call): Promise<unknown> {
    const inner: object = this.#options.inner;
    const method = (inner as Partial<Record<string, (...given: unknown[]) => Promise<unknown>>>)[name];
    if (method === undefined) throw new Error(`The store has no ${name}.`);
    return method.apply(inner, [...given]);
  }

  async #commit({ process, given }: Call): Promise<CommitResult> {
    const turn = given[0] as Turn;
    const result = await this.#options.inner.commit(turn);
    const { trace } = this.#options.kernel;
    const { nowMs } = this.#options.kernel;
    trace.step(nowMs, result.kind);
    if (trace.isRead) trace.note(nowMs, process.name, `commit ${whatOf(turn)}: ${toldOf(result)}`);
    this.#options.committed(process.name, turn, result);
    return result;
  }
}

interface Call {
  readonly process: SimulatedProcess;
  readonly name: string;
  readonly given: readonly unknown[];
  readonly fault: ReturnType<Interposer["durable"]>;
  readonly patienceMs: number;
}

const lost = new Error("The answer of the store was lost.");

const away = (name: string): StatusError =>
  new StatusError("storeUnavailable", `The store cannot ${name} now.`);

const toldOf = (result: CommitResult): string =>
  result.kind === "committed" ? `up to event ${result.lastSequence}` : result.kind;

/** One line about a turn, for people. */
export function whatOf(turn: Turn): string {
  const rows = (turn.instances ?? []).map(
    ({ row }) =>
      `instance ${row.id} v${row.version} g${row.generation} e${row.epoch} ${row.state}${row.settled ? "" : "…"}` +
      `@${row.hostId ?? "-"}`,
  );
  const machines = (turn.machines ?? []).map(
    (seen) => `saw ${seen.state} e${seen.epoch} g${seen.generation}/${seen.intentGeneration}`,
  );
  const released = (turn.claimsReleased ?? []).map(({ epoch }) => `released e${epoch}`);
  const claims = (turn.claims ?? []).map(({ epoch, hostId }) => `claimed e${epoch}@${hostId}`);
  const events = (turn.events ?? []).map(({ event }) => event);
  const asked = turn.request === undefined ? [] : ["for a request"];
  return [...asked, ...rows, ...machines, ...claims, ...released, ...events].join(", ");
}

/** The stream of events as one process reaches it. */
export function streamOf(process: SimulatedProcess, inner: EventStream, reach: Reach): EventStream {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    await process.kernel.sleep(process, reach.latencyMs(), "");
    if (!reach.up()) throw new StatusError("notConnected", "There is no connection to the NATS server.");
    const value = await work();
    await process.kernel.sleep(process, reach.latencyMs(), "");
    return value;
  };
  return {
    lastSequence: () => call(() => inner.lastSequence()),
    publish: (events) => call(() => inner.publish(events)),
  };
}

export interface Reach {
  latencyMs(): number;
  up(): boolean;
}
