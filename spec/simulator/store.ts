/**
 * The store as one process reaches it: the memory store behind a network. It may be slow or away, a commit
 * may be rolled back for no reason of its own, or be applied and its answer lost. Every commit is told to
 * the judge at the moment at which it is applied.
 */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Renewal } from "../../actors/ports/signs-of-life.ts";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult } from "../../actors/records/commit.ts";
import type { MemoryStore } from "../../db/memory/store.ts";
import { postgresLimits } from "../../db/postgres/limits.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Interposer } from "./interposer.ts";
import { type Kernel, nobody } from "./kernel.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { type Connection, StoreLine } from "./store-line.ts";

export interface StoreRates {
  latencyMs: number;
  /** Rolled back: a serialization failure, a full disk, a time-out. */
  rolledBack: number;
  /** Share of commits that are applied and whose answer is lost. */
  answerLost: number;
  slow: number;
  slowMs: number;
  /** Commits stand in one line, in batches, as at PostgreSQL; absent: each finds its own way. */
  readonly batched?: true;
}

export interface StoreOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly rates: StoreRates;
  readonly interposer: Interposer;
  readonly inner: MemoryStore;
  readonly committed: (by: string, commit: Commit, result: CommitResult) => void;
  readonly renewed: (hostId: string, ownerEpoch: number) => void;
}

/** How often a call that found the server away looks for it again. */
const lookAgainMs = 100;

export class StoreServer {
  up = true;
  /** True: its disk has no room for new rows. Commits are rolled back; renewals of leases need no room. */
  full = false;
  /** Names of processes that do not reach it. */
  readonly cutOff = new Set<string>();
  /** Answers to these processes come later, by so much at most. */
  readonly lateMs = new Map<string, number>();
  readonly rates: StoreRates;
  readonly line: StoreLine;
  #committing = 0;
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.rates = options.rates;
    const { kernel, random, rates } = options;
    const wayMs = () => random.latencyMs(rates.latencyMs / 2);
    this.line = new StoreLine({
      kernel,
      wayMs,
      flushMs: wayMs,
      isReached: ({ name }) => this.up && !this.cutOff.has(name),
      rollsBack: () => this.full || random.chance(rates.rolledBack),
    });
  }

  /** Asked for, and not yet applied or refused: news may be in it. */
  get committing(): number {
    return this.#committing + this.line.pending;
  }

  heal(): void {
    Object.assign(this.rates, { rolledBack: 0, answerLost: 0, slow: 0 });
    this.up = true;
    this.full = false;
    this.cutOff.clear();
    this.lateMs.clear();
    this.line.heldUntilMs = 0;
  }

  get inner(): MemoryStore {
    return this.#options.inner;
  }

  connect(process: SimulatedProcess): Store {
    const { inner } = this.#options;
    const connection: Connection = { process };
    /** The methods of a port, each a call of its own name: `hosts.get`. */
    const port = <P extends object>(of: string, inside: P): P =>
      new Proxy(inside, {
        get: (target, method: string) => {
          const answer: unknown = Reflect.get(target, method);
          if (typeof answer !== "function") throw new Error(`The store has no ${of}.${method}.`);
          return (...given: unknown[]) =>
            this.#call({
              ...{ connection, process, given, name: `${of}.${method}` },
              answer: () => answer.apply(inside, given),
            });
        },
      });
    const own = <R>(name: string, given: readonly unknown[], answer: () => Promise<R>) =>
      this.#call({ connection, process, name, given, answer }) as Promise<R>;
    return {
      commit: (commit) => own("commit", [commit], () => inner.commit(commit)),
      rehearse: (commit) => own("rehearse", [commit], () => inner.rehearse(commit)),
      prune: (nowMs) => own("prune", [nowMs], () => inner.prune(nowMs)),
      close: () => Promise.resolve(),
      instances: port("instances", inner.instances),
      operations: port("operations", inner.operations),
      events: port("events", inner.events),
      rows: port("rows", inner.rows),
      hosts: port("hosts", inner.hosts),
      signsOfLife: port("signsOfLife", inner.signsOfLife),
      aggregates: port("aggregates", inner.aggregates),
      serverGroups: port("serverGroups", inner.serverGroups),
      quotas: port("quotas", inner.quotas),
      networking: port("networking", inner.networking),
    };
  }

  #call({ connection, process, name, given, answer }: Asked): Promise<unknown> {
    const { kernel, interposer, random } = this.#options;
    if (!process.alive) return new Promise(() => undefined);
    const fault = name === "commit" ? interposer.durable(process, whatOf(given[0] as Commit)) : undefined;
    if (fault === "crashBefore") {
      process.kill();
      return new Promise(() => undefined);
    }
    const amount = name === "commit" ? 1 : 0;
    const lateMsMax = name === "commit" ? this.lateMs.get(process.name) : undefined;
    return new Promise((settled, failed) => {
      const resolve = (value: unknown) => {
        if (name === "commit") process.tally.committed(value as CommitResult);
        settled(value);
      };
      const reject = (thrown: unknown) => {
        if (name === "commit") process.tally.committed(undefined);
        failed(thrown);
      };
      const back = (settle: () => void) => {
        const lateMs = lateMsMax === undefined ? 0 : random.between(0, lateMsMax);
        kernel.after(process, random.latencyMs(this.rates.latencyMs / 2) + lateMs, "", settle);
      };
      const fail = () => back(() => reject(away(name)));
      if (name === "commit" && this.rates.batched === true) {
        this.#writeInLine(
          { connection, process, name, given, answer, fault, patienceMs: 0 },
          { resolve, reject, back, fail },
        );
        return;
      }
      const extraMs = this.#extraMs(fault);
      if (extraMs > postgresLimits.storeTimeoutMs) {
        kernel.after(process, postgresLimits.storeTimeoutMs, "", fail);
        return;
      }
      this.#committing += amount;
      kernel.after(nobody, random.latencyMs(this.rates.latencyMs / 2) + extraMs, "", () => {
        const performed = this.#perform({
          ...{ connection, process, name, given, answer, fault },
          patienceMs: postgresLimits.storePatienceMs,
        });
        performed
          .finally(() => {
            this.#committing -= amount;
          })
          .then(
            (value) => back(() => resolve(value)),
            (thrown: unknown) => (thrown === lost ? fail() : back(() => reject(thrown))),
          );
      });
    });
  }

  /** Time that a call takes beside its way. The server ends a statement that takes longer than it may. */
  #extraMs(fault: Call["fault"]): number {
    const { random } = this.#options;
    const slowMs = random.chance(this.rates.slow) ? random.latencyMs(this.rates.slowMs) : 0;
    return fault === "delay" ? 400 : slowMs;
  }

  #writeInLine(call: Call, { resolve, reject, back, fail }: Ends): void {
    const write = () =>
      this.line.write(call.connection, {
        apply: () =>
          this.#apply(call).then(
            (value) => void back(() => resolve(value)),
            (thrown: unknown) => void (thrown === lost ? fail() : back(() => reject(thrown))),
          ),
        refuse: () => void fail(),
      });
    const extraMs = this.#extraMs(call.fault);
    const { kernel } = this.#options;
    if (extraMs === 0) write();
    else if (extraMs > postgresLimits.storeTimeoutMs)
      kernel.after(call.process, postgresLimits.storeTimeoutMs, "", () => fail());
    else kernel.after(call.process, extraMs, "", write);
  }

  async #perform(call: Call): Promise<unknown> {
    const { kernel, random } = this.#options;
    if (!this.up || this.cutOff.has(call.process.name)) {
      if (call.patienceMs <= 0) throw lost;
      await kernel.sleep(nobody, lookAgainMs, "");
      return this.#perform({ ...call, patienceMs: call.patienceMs - lookAgainMs });
    }
    if (call.name === "signsOfLife.renew") return this.#renew(call);
    if (call.name !== "commit") return call.answer();
    if (this.full || random.chance(this.rates.rolledBack)) throw lost;
    return this.#apply(call);
  }

  async #apply(call: Call): Promise<CommitResult> {
    const { random } = this.#options;
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
    const held = await inner.signsOfLife.renew(leases);
    for (const { hostId, leaseEpoch } of leases) if (held.includes(hostId)) renewed(hostId, leaseEpoch);
    if (random.chance(this.rates.answerLost)) throw lost;
    return held;
  }

  async #commit({ process, given }: Call): Promise<CommitResult> {
    const commit = given[0] as Commit;
    const result = await this.#options.inner.commit(commit);
    const { trace } = this.#options.kernel;
    const { nowMs } = this.#options.kernel;
    trace.step(nowMs, result.kind);
    if (trace.isRead) trace.note(nowMs, process.name, `commit ${whatOf(commit)}: ${toldOf(result)}`);
    this.#options.committed(process.name, commit, result);
    return result;
  }
}

/** How a call comes back to its process. */
interface Ends {
  readonly resolve: (value: unknown) => void;
  readonly reject: (thrown: unknown) => void;
  readonly back: (settle: () => void) => void;
  readonly fail: () => void;
}

interface Asked extends Connection {
  readonly connection: Connection;
  readonly name: string;
  readonly given: readonly unknown[];
  /** Asks the memory store itself. */
  readonly answer: () => Promise<unknown>;
}

interface Call extends Asked {
  readonly fault: ReturnType<Interposer["durable"]>;
  readonly patienceMs: number;
}

const lost = new Error("The answer of the store was lost.");

const away = (name: string): StatusError =>
  new StatusError("storeUnavailable", `The store does not answer ${name} now.`);

const toldOf = (result: CommitResult): string =>
  result.kind === "committed" ? `up to event ${result.lastSequence}` : result.kind;

/** One line about a commit, for people. */
export function whatOf(commit: Commit): string {
  const rows = (commit.instances ?? []).map(
    ({ row }) =>
      `instance ${row.id} v${row.version} g${row.generation} e${row.ownerEpoch} ${row.state}${row.settled ? "" : "…"}` +
      `@${row.hostId ?? "-"}`,
  );
  const machines = (commit.machines ?? []).map(
    (seen) => `saw ${seen.state} e${seen.ownerEpoch} g${seen.generation}/${seen.intentGeneration}`,
  );
  const released = (commit.claimsReleased ?? []).map(({ ownerEpoch }) => `released e${ownerEpoch}`);
  const claims = (commit.claims ?? []).map(({ ownerEpoch, hostId }) => `claimed e${ownerEpoch}@${hostId}`);
  const events = (commit.events ?? []).map(({ event }) => event);
  const asked = commit.request === undefined ? [] : ["for a request"];
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
