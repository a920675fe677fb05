/**
 * Publishes committed events from the store to the stream: all that the stream does not have yet, in order,
 * for ever. Every controller runs one publisher; the publishers need not know of each other. When they stand
 * still nothing is lost, because the store keeps the events. A command must never wait for the publisher.
 */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { StorePart } from "../../actors/ports/store.ts";
import { type Meter, nullMeter, only } from "../../actors/runtime/meter.ts";
import { Periodic, type Round } from "../../actors/runtime/periodic.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { eventLimits } from "./limits.ts";

export interface EventPublisherOptions {
  readonly store: StorePart<{ events: "list" }>;
  readonly stream: EventStream;
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly log: Log;
  /** Absent: nobody counts. */
  readonly meter?: Meter;
}

export interface EventPublisher {
  /**
   * Tells that events were committed, the last with this sequence number. Cheap and repeatable; several calls
   * together make one round.
   */
  wake(lastSequence: number): void;
  /** Resolves when the current round has ended; nothing is published afterwards. */
  stop(): Promise<void>;
  /** As it is shown to people who debug. */
  look(): PublisherPicture;
}

export interface PublisherPicture {
  /** Number of the last event that the stream is known to have; undefined: it has not been asked yet. */
  readonly publishedUpTo: number | undefined;
  /** Rounds that failed in a row. */
  readonly failures: number;
}

/** Starts publishing at once, and looks for new events every eventLimits.eventPublishPeriodMs by itself. */
export function startEventPublisher(options: EventPublisherOptions): EventPublisher {
  const { store, stream, system, log, meter = nullMeter } = options;
  const lag = new Lag();
  meter.look("novact_events_unpublished", () => only(lag.events));
  let stopped = false;
  let woken = false;
  let failures = 0;
  let known: number | undefined;
  let publishedUpTo: number | undefined;

  const round = async ({ signal, fail, did }: Round): Promise<void> => {
    // A round that was not woken asks for the stream's real end, because the stream may have been lost.
    const from = woken ? known : undefined;
    known = undefined;
    woken = false;
    try {
      const untilMs = system.clock.monotonicMs() + eventLimits.eventPublishRoundMs;
      const isOver = () => stopped || signal.aborted || system.clock.monotonicMs() > untilMs;
      const end = await publishNews({ store, stream, isOver, lag }, from);
      if (signal.aborted) return;
      known = end;
      publishedUpTo = end ?? publishedUpTo;
      failures = 0;
      if (end !== undefined) did(`the stream has all up to event ${end}`);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const level = failures === 1 ? "warn" : "debug";
      log[level]({ error, failures }, "events could not be published; trying again");
      fail();
    }
  };
  const pause = () => pauseMs(failures, woken);
  const rounds = new Periodic(system, { name: "publisher", pauseMs: pause, round });
  void rounds.start();

  return {
    wake(lastSequence) {
      lag.committed(lastSequence);
      if (stopped || woken) return;
      woken = true;
      // A running round looks at `woken` when it ends; after failures the back-off stands.
      if (failures === 0) rounds.next();
    },
    async stop() {
      stopped = true;
      await rounds.stop();
    },
    look: () => ({ publishedUpTo, failures }),
  };
}

function pauseMs(failures: number, woken: boolean): number {
  if (failures > 0) {
    return Math.min(
      eventLimits.eventPublishBackoffMsMax,
      eventLimits.eventPublishBackoffMsMin * 2 ** Math.min(failures, 16),
    );
  }
  return woken ? eventLimits.eventPublishSpacingMs : eventLimits.eventPublishPeriodMs;
}

/** How far the stream is behind the events of which this process knows. */
class Lag {
  #committed = 0;
  /** Undefined: the stream's end was never seen. */
  #published: number | undefined;

  /** Undefined: it is not known. */
  get events(): number | undefined {
    return this.#published === undefined ? undefined : Math.max(0, this.#committed - this.#published);
  }

  committed(lastSequence: number): void {
    this.#committed = Math.max(this.#committed, lastSequence);
  }

  /** The stream's end, which falls when the stream was lost. */
  published(lastSequence: number): void {
    this.#published = lastSequence;
  }
}

interface News extends Pick<EventPublisherOptions, "store" | "stream"> {
  readonly isOver: () => boolean;
  readonly lag: Lag;
}

/**
 * One round: publishes page by page until the stream has everything, another controller has taken over, or no
 * headway is made. `from`: the stream's end after the last round, which spares a question; when it is wrong,
 * the stream takes nothing. Answers the stream's end, if it is known.
 */
async function publishNews(
  { store, stream, isOver, lag }: News,
  from: number | undefined,
): Promise<number | undefined> {
  let before = -1;
  let end = from;
  while (!isOver()) {
    const after: number = end ?? (await stream.lastSequence());
    lag.published(after);
    if (after === before) return undefined;
    before = after;
    const page = await store.events.list({ after, limit: eventLimits.eventPublishPage });
    if (page.events.length === 0) return after;
    lag.committed(page.events.at(-1)?.sequence ?? 0);
    end = await stream.publish(page.events);
    if (end !== undefined) lag.published(end);
    if (page.events.length < eventLimits.eventPublishPage) return end;
  }
  return undefined;
}
