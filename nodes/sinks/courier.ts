/**
 * Brings committed events to one sink: in order, each at least once, and later each time while the sink is
 * away. A loop of its own, so that a sink that is slow, hangs or throws keeps nobody waiting but itself. A
 * sink that is away for longer than events are kept misses some, and that is remembered and told.
 *
 * Every controller of a computer has one for each sink. One of them holds the sink and brings its events;
 * when it is lost for long another one goes on. Nothing rests on there being one alone: two at once bring
 * events twice, and each says that the sink has only what the sink has.
 */
import type { EventSink } from "../../actors/ports/event-sink.ts";
import type { StorePart } from "../../actors/ports/store.ts";
import { Periodic, type Round } from "../../actors/runtime/periodic.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import type { Event } from "../../protocol/event.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { sinkLimits } from "./limits.ts";
import { isHeldByAnother, type SinkMemories, type SinkMemory } from "./memory.ts";

export interface CourierOptions {
  readonly name: string;
  readonly sink: EventSink;
  readonly store: StorePart<{ events: "list" | "lastSequence" }>;
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly memories: SinkMemories;
  /** The controller's name, the same when it begins anew. */
  readonly holder: string;
  readonly log: Log;
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #rounds: Periodic;
  #memory: SinkMemory;
  /** The memory could not be kept: what is in memory is newer. */
  #unkept = false;
  #failures = 0;
  /** Events in the next call: half as many after each failure, as a sink may refuse what is large. */
  #eventsMax: number = sinkLimits.deliveredEventsMax;
  #stopped = false;
  #give: (why: string) => void = () => undefined;
  /** A call that was given up and has not ended: the sink takes one at a time. */
  #hanging = false;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#memory = options.memories.of(options.name);
    this.#rounds = new Periodic(options.system, {
      name: `sink-${options.name}`,
      pauseMs: () => this.#pauseMs(),
      roundMsMax: sinkLimits.roundMs + 2 * sinkLimits.deliverMsMax,
      round: (round) => this.#round(round),
    });
    void this.#rounds.start();
  }

  #pauseMs(): number {
    const { lookPeriodMs, backoffMsMin, backoffMsMax } = sinkLimits;
    if (this.#failures === 0) return lookPeriodMs;
    return Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#failures - 1, 16));
  }

  async #round({ signal, fail, did }: Round): Promise<void> {
    const { clock } = this.#options.system;
    const untilMs = clock.monotonicMs() + sinkLimits.roundMs;
    // The hold is not renewed, so that another controller takes the sink over.
    if (this.#hanging) {
      did("the delivery before has not ended");
      fail();
      return;
    }
    if (!this.#holds()) {
      did(`${this.#memory.holder} brings events to the sink`);
      return;
    }
    try {
      while (!signal.aborted && !this.#stopped && clock.monotonicMs() < untilMs)
        if (!(await this.#next(signal))) break;
      did(`the sink has all up to event ${this.#memory.sequence}`);
    } catch (thrown) {
      if (signal.aborted || this.#stopped) return;
      this.#failed(thrown);
      fail();
    }
  }

  /**
   * Whether this controller brings the events: takes the sink where nobody else holds it, from where whoever
   * had it last has got.
   */
  #holds(): boolean {
    const { memories, name, holder, system, log } = this.#options;
    const nowMs = system.clock.nowMs();
    const found = memories.of(name);
    if (isHeldByAnother(found, holder, nowMs)) {
      this.#memory = found;
      this.#unkept = false;
      return false;
    }
    if (!this.#unkept) this.#memory = found;
    const { deliverMsMax, heldAfterMs } = sinkLimits;
    const leftMs = (this.#memory.heldUntilMs ?? 0) - nowMs;
    const isOwn = this.#memory.holder === holder;
    if (found.holder !== undefined && !isOwn)
      log.warn({ sink: name, from: found.holder }, "another controller is lost: its sink is taken over");
    if (!isOwn || leftMs < deliverMsMax + heldAfterMs / 2) this.#save(this.#memory);
    return true;
  }

  /** Delivers the next page of events; false: the sink has all events, or is another controller's now. */
  async #next(signal: AbortSignal): Promise<boolean> {
    const { store, log, name } = this.#options;
    const { sequence } = this.#memory;
    const page = await store.events.list({ after: sequence, limit: this.#eventsMax });
    if (page.trimmed > sequence) this.#missed(page.trimmed);
    if (page.events.length === 0) {
      // Numbers only grow: the database is another one than the sink was told of.
      if (this.#memory.sequence <= (await store.events.lastSequence())) return false;
      log.warn(
        { sink: name, sequence },
        "the sink is ahead of all events: it gets those of now from the first",
      );
      this.#save({ sequence: 0 });
      return true;
    }
    const events = firstOf(page.events);
    try {
      await this.#deliver(events, signal);
    } catch (thrown) {
      this.#eventsMax = Math.max(1, Math.floor(Math.min(this.#eventsMax, events.length) / 2));
      throw thrown;
    }
    this.#failures = 0;
    if (!this.#holds()) return false;
    this.#eventsMax = Math.min(sinkLimits.deliveredEventsMax, 2 * this.#eventsMax);
    const { failingSinceMs: _, why: __, ...kept } = this.#memory;
    this.#save({ ...kept, sequence: events.at(-1)?.sequence ?? sequence });
    return true;
  }

  async #deliver(events: Parameters<EventSink["deliver"]>[0], signal: AbortSignal): Promise<void> {
    const { sink, system } = this.#options;
    const late = Promise.withResolvers<never>();
    const given = new AbortController();
    const give = (why: string) => {
      given.abort(new Error(why));
      late.reject(new Error(why));
    };
    const timer = system.clock.after(sinkLimits.deliverMsMax, () => give("the delivery takes too long"));
    const stop = () => give("the loop stops");
    signal.addEventListener("abort", stop, { once: true });
    this.#give = give;
    this.#hanging = true;
    // A sink that throws at once is as one that rejects.
    const working = (async () => sink.deliver(events, given.signal))().finally(() => {
      this.#hanging = false;
    });
    try {
      await Promise.race([working, late.promise]);
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", stop);
    }
  }

  #missed(trimmed: number): void {
    const { system, log, name } = this.#options;
    const events = trimmed - this.#memory.sequence;
    // A new sink misses no events of the time before it was added.
    if (this.#memory.sequence > 0) {
      log.error({ sink: name, events }, "events are kept no longer, and the sink has not got them");
      const atMs = system.clock.nowMs();
      const { missed } = this.#memory;
      const before =
        missed !== undefined && atMs - missed.atMs < sinkLimits.missedShownMs ? missed.events : 0;
      this.#memory = { ...this.#memory, missed: { events: before + events, atMs } };
    }
    this.#save({ ...this.#memory, sequence: trimmed });
  }

  #failed(thrown: unknown): void {
    const { system, log, name } = this.#options;
    this.#failures += 1;
    const why = (thrown instanceof Error ? thrown.message : String(thrown))
      .replaceAll(/[^\P{C}]+|\s+/gu, " ")
      .slice(0, sinkLimits.whyLengthMax);
    const level = this.#failures === 1 ? "warn" : "debug";
    log[level]({ sink: name, why, failures: this.#failures }, "events could not be delivered; trying again");
    const failingSinceMs = this.#memory.failingSinceMs ?? system.clock.nowMs();
    if (isHeldByAnother(this.#options.memories.of(name), this.#options.holder, system.clock.nowMs())) return;
    this.#save({ ...this.#memory, failingSinceMs, why }, this.#pauseMs());
  }

  /**
   * Keeps the memory, and the sink, for a delivery or for a pause of this length. In memory it holds even
   * where it cannot be kept: then the next controller delivers again.
   */
  #save(memory: SinkMemory, pauseMs: number = sinkLimits.deliverMsMax): void {
    const { holder, system } = this.#options;
    const heldUntilMs = system.clock.nowMs() + pauseMs + sinkLimits.heldAfterMs;
    this.#keep({ ...memory, holder, heldUntilMs });
  }

  #keep(memory: SinkMemory): void {
    const { memories, name, log } = this.#options;
    this.#memory = memory;
    try {
      memories.keep(name, memory);
      this.#unkept = false;
    } catch (error) {
      this.#unkept = true;
      log.warn({ error, sink: name }, "how far the sink has got could not be written");
    }
  }

  /** Aborts the delivery under way: another controller brings its events again, at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#give("the controller stops");
    await this.#rounds.stop();
    const { memories, name, holder, sink } = this.#options;
    const { holder: _, heldUntilMs: __, ...left } = this.#memory;
    if (memories.of(name).holder === holder) this.#keep(left);
    await sink.close?.();
  }
}

/** As many as the bytes of one call allow, but at least one. */
function firstOf(events: readonly Event[]): readonly Event[] {
  let bytes = 0;
  const end = events.findIndex((event, at) => {
    bytes += Buffer.byteLength(JSON.stringify(event));
    return at > 0 && bytes > sinkLimits.deliveredBytesMax;
  });
  return end < 0 ? events : events.slice(0, end);
}
