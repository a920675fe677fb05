/**
 * Faults of single actors: a turn that throws, a mailbox that is full, a round of a loop that throws or never
 * ends. They strike whatever actor of a process is next, where actors and mailboxes meet, so that
 * supervision, restarts and refusals are the real ones. Without an order nothing here does anything.
 */
import { ActorCore } from "../../actors/runtime/actor-core.ts";
import { Envelope, Mailbox } from "../../actors/runtime/mailbox.ts";
import { Rounds } from "../../actors/runtime/periodic.ts";
import type { Kernel, Owner } from "./kernel.ts";
import type { Random } from "./random.ts";

/** The error that breaks a turn; no code of the product throws or catches it by name. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
}

export interface CrashOrder {
  /** The kind of message in whose turn it happens; absent: whichever comes next. */
  readonly message: string | undefined;
  times: number;
}

interface LoopOrder {
  /** Name of the loop, in whichever thread of the process. */
  readonly loop: string;
  /** True: its rounds never end; false: they throw. */
  readonly hangs: boolean;
  times: number;
}

/** Its message can be read so often before the turn breaks: at its beginning, or after its commit. */
const readsMax = 10;
/** More than any mailbox holds. */
const full = 1_000_000;
export interface ActorFaultsOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  /** A turn has thrown. */
  readonly crashed: (owner: Owner, message: string) => void;
  /** A full mailbox did not say at once that it is full. */
  readonly silent: (owner: Owner, actor: string) => void;
}

export class ActorFaults {
  readonly #options: ActorFaultsOptions;
  readonly #orders = new Map<Owner, Set<CrashOrder>>();
  readonly #full = new Set<Owner>();
  /** By the name of the process, which its threads share. */
  readonly #loops = new Map<string, Set<LoopOrder>>();
  /** When the last round that hangs will have been given up. */
  hangsUntilMs = Number.NEGATIVE_INFINITY;
  /** Ends of rounds that hang, by loop, in the order of their beginnings. */
  readonly #hanging = new Map<Rounds, (() => void)[]>();
  /** A message is being offered to a mailbox, or asked whether there is room for it. */
  #offering = false;

  constructor(options: ActorFaultsOptions) {
    this.#options = options;
  }

  /** Answers what takes the order back. */
  crash(owner: Owner, order: CrashOrder): () => void {
    const orders = this.#orders.get(owner) ?? new Set();
    this.#orders.set(owner, orders.add(order));
    return () => {
      orders.delete(order);
      if (orders.size === 0) this.#orders.delete(owner);
    };
  }

  /** The next rounds of a loop throw, or hang; answers what takes the order back. */
  strike({ name }: Owner, order: LoopOrder): () => void {
    const orders = this.#loops.get(name) ?? new Set();
    this.#loops.set(name, orders.add(order));
    return () => orders.delete(order);
  }

  /** All mailboxes of a process that others can fill; answers what empties them again. */
  fill(owner: Owner): () => void {
    this.#full.add(owner);
    return () => this.#full.delete(owner);
  }

  heal(): void {
    this.#orders.clear();
    this.#full.clear();
    this.#loops.clear();
    this.#endHanging();
  }

  /** A loop begins no round beside so many that hang: it goes on only since all but the first of them end. */
  #endHanging(): void {
    for (const [, ...ends] of this.#hanging.values()) for (const end of ends) end();
    this.#hanging.clear();
  }

  /** From now on, until the function that it answers is called. */
  install(): () => void {
    const undo = [
      ...[this.#breakTurns(), this.#fillMailboxes(), this.#refuseWhenAsked()],
      this.#strikeRounds(),
    ];
    return () => {
      for (const step of undo) step();
    };
  }

  #breakTurns(): () => void {
    const { take } = Mailbox.prototype;
    const spoiled = <M>(envelope: Envelope<M>): Envelope<M> => this.#spoiled(envelope);
    Mailbox.prototype.take = function takeSpoiled(this: Mailbox<unknown>) {
      const envelope = take.call(this);
      return envelope === undefined ? undefined : spoiled(envelope);
    };
    return () => {
      Mailbox.prototype.take = take;
    };
  }

  #strikeRounds(): () => void {
    const { run } = Rounds.prototype;
    const struck = (loop: Rounds) => this.#struck(loop);
    Rounds.prototype.run = function runStruck(this: Rounds, context, work) {
      return run.call(this, context, struck(this) ?? (work as () => Promise<never>));
    } as typeof run;
    return () => {
      Rounds.prototype.run = run;
    };
  }

  /** What a round does instead of its work. */
  #struck(rounds: Rounds): (() => Promise<never>) | undefined {
    const { kernel } = this.#options;
    const { name: loop, roundMsMax } = rounds;
    const owner = kernel.current?.owner;
    const orders = owner === undefined ? undefined : this.#loops.get(owner.name);
    const order = [...(orders ?? [])].find((one) => one.loop === loop && one.times > 0);
    if (owner === undefined || order === undefined) return undefined;
    order.times -= 1;
    this.#options.crashed(owner, `round of ${loop}`);
    if (order.hangs) {
      this.hangsUntilMs = Math.max(this.hangsUntilMs, kernel.nowMs + roundMsMax);
      const hung = Promise.withResolvers<never>();
      // A loop beside three hanging rounds begins no round, so the promise may have no listener.
      hung.promise.catch(() => undefined);
      const end = () => hung.reject(new SimulatedCrash(`A round of ${loop} has hung.`));
      const ends = this.#hanging.get(rounds) ?? [];
      this.#hanging.set(rounds, ends);
      ends.push(() => kernel.soon(owner, "a round that hung ends", end));
      return () => hung.promise;
    }
    return async () => {
      throw new SimulatedCrash(`A round of ${loop} breaks.`);
    };
  }

  #spoiled<M>(envelope: Envelope<M>): Envelope<M> {
    if (this.#orders.size === 0) return envelope;
    const owner = this.#options.kernel.current?.owner;
    const orders = owner === undefined ? undefined : this.#orders.get(owner);
    const { message, question } = envelope;
    if (owner === undefined || orders === undefined || typeof message !== "object" || message === null)
      return envelope;
    // What a host hands on to its machine may be spoiled already: to look at it here must break no turn.
    const plain = plainOf.get(message) ?? message;
    const { kind = "" } = plain as { readonly kind?: string };
    const order = [...orders].find((one) => one.times > 0 && (one.message ?? kind) === kind);
    if (order === undefined) return envelope;
    const broken = () => {
      order.times -= 1;
      this.#options.crashed(owner, kind);
      throw new SimulatedCrash(`The turn of ${kind} breaks.`);
    };
    const reads = this.#options.random.whole(0, readsMax);
    return new Envelope(
      breaking(plain as M & object, reads, () => order.times > 0 && broken()),
      question,
    );
  }

  /** Asks and tells to actors that others can fill find no room, and are refused by the actors themselves. */
  #fillMailboxes(): () => void {
    const length = Object.getOwnPropertyDescriptor(Mailbox.prototype, "length");
    if (length?.get === undefined) throw new Error("A mailbox has no length.");
    const real = length.get;
    const isOffered = () => this.#offering;
    Object.defineProperty(Mailbox.prototype, "length", {
      configurable: true,
      get(this: Mailbox<unknown>): number {
        return isOffered() ? full : real.call(this);
      },
    });
    const { ask, tell } = ActorCore.prototype;
    const offer = <T>(to: Named, put: () => T, judge: Judge<T>): T => this.#offer(to, put, judge);
    const filled = this.#full;
    // Most of the time nothing is full, and then it shall cost nothing.
    ActorCore.prototype.ask = function askFull(this: ActorCore<unknown, unknown>, message, options) {
      if (filled.size === 0) return ask.call(this, message, options);
      return offer(this, () => ask.call(this, message, options), refusedSoon);
    } as typeof ask;
    ActorCore.prototype.tell = function tellFull(this: ActorCore<unknown, unknown>, message) {
      if (filled.size === 0) return tell.call(this, message);
      return offer(this, () => tell.call(this, message), silentWhenTaken);
    };
    return () => {
      Object.defineProperty(Mailbox.prototype, "length", length);
      Object.assign(ActorCore.prototype, { ask, tell });
    };
  }

  #offer<T>({ name: actor, isLoop }: Named, put: () => T, judge: Judge<T>): T {
    const owner = this.#options.kernel.current?.owner;
    // On a host, room is kept for what guests and work say: only who asks first finds it full (see below).
    // A loop's mailbox holds only its own ticks: no sender can fill it.
    const fills = !isLoop && !this.#isHost() && this.#isFull();
    const before = this.#offering;
    this.#offering = fills;
    try {
      const answer = put();
      if (fills && owner !== undefined) judge(answer, () => this.#options.silent(owner, actor));
      return answer;
    } finally {
      this.#offering = before;
    }
  }

  /** Hosts and machines are asked whether they have room for another question before it is put to them. */
  #refuseWhenAsked(): () => void {
    const waiting = Object.getOwnPropertyDescriptor(ActorCore.prototype, "waiting");
    if (waiting?.get === undefined) throw new Error("An actor does not say how much waits.");
    const real = waiting.get;
    const isFull = () => this.#isHost() && this.#isFull();
    Object.defineProperty(ActorCore.prototype, "waiting", {
      configurable: true,
      get(this: ActorCore<unknown, unknown>): number {
        return isFull() ? full : real.call(this);
      },
    });
    return () => Object.defineProperty(ActorCore.prototype, "waiting", waiting);
  }

  #isFull(): boolean {
    const owner = this.#options.kernel.current?.owner;
    return owner !== undefined && this.#full.has(owner);
  }

  #isHost(): boolean {
    return this.#options.kernel.current?.owner.name.startsWith("h") === true;
  }
}

type Named = Pick<ActorCore<unknown, unknown>, "name" | "isLoop">;

/** Looks at what a full mailbox did with a message, and tells when it kept silent. */
type Judge<T> = (answer: T, silent: () => void) => void;

function silentWhenTaken(taken: boolean, silent: () => void): void {
  if (taken) silent();
}

/** A question that finds no room is refused before anything else happens. */
function refusedSoon(answer: Promise<unknown>, silent: () => void): void {
  let refused = false;
  answer.catch(() => {
    refused = true;
  });
  // Ticks come after all microtasks, so after whatever a promise that is refused sets off.
  process.nextTick(() => {
    if (!refused) silent();
  });
}

/** The same message, that can be read so often; `broken` throws, or does not any more. */
function breaking<M extends object>(message: M, reads: number, broken: () => unknown): M {
  let left = reads;
  const spoiled = new Proxy(message, {
    get(target, key) {
      left -= 1;
      if (left === -1) broken();
      return Reflect.get(target, key) as unknown;
    },
  });
  plainOf.set(spoiled, message);
  return spoiled;
}

/** The message behind each one that was spoiled. */
const plainOf = new WeakMap<object, object>();
