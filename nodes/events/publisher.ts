/**
 * Publishes committed events from the store to the stream: all that the stream does not have yet, in order,
 * for ever. Every controller runs one publisher; the publishers need not know of each other. When they stand
 * still nothing is lost, because the store keeps the events. A command must never wait for the publisher.
 */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Store } from "../../actors/ports/store.ts";
import { type Meter, nullMeter, only } from "../../actors/runtime/meter.ts";
import { type Loop, Periodic, type Round } from "../../actors/runtime/periodic.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { eventLimits } from "./limits.ts";

export interface EventPublisherOptions {
  readonly store: Pick<Store, "listEvents">;
  readonly stream: EventStream;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: nobody counts. */
  readonly meter?: Meter;
}

export interface EventPublisher {
  readonly loop: Loop;
  /**
   * Tells that events were committed, the last with this sequence number. Cheap and repeatable; several calls
   * together make one round.
   */
  wake(lastSequence: number): void;
  /** Resolves when the current round has ended; nothing is published afterwards. */
  stop(): Promise<void>;
}

/** Starts publishing at once, and looks for new events every eventLimits.eventPublishPeriodMs by itself. */
export function startEventPublisher(options: EventPublisherOptions): EventPublisher {
  const { store, stream, clock, log, meter = nullMeter } = options;
  const lag = new Lag();
  meter.look("novact_events_unpublished", () => only(lag.events));
  let stopped = false;
  let woken = false;
  let failures = 0;
  let known: number | undefined;

  const round = async ({ fail }: Round): Promise<void> => {
    // A round that was not woken asks for the stream's real end, because the stream may have been lost.
    const from = woken ? known : undefined;
    known = undefined;
    woken = false;
    try {
      known = await publishNews({ store, stream, isStopped: () => stopped, lag }, from);
      failures = 0;
    } catch (error) {
      failures += 1;
      const level = failures === 1 ? "warn" : "debug";
      log[level]({ error, failures }, "events could not be published; trying again");
      fail();
    }
  };
  const pause = () => pauseMs(failures, woken);
  const rounds = new Periodic({ name: "publisher", clock, log, pauseMs: pause, round });
  void rounds.start();

  return {
    loop: rounds.loop,
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
  readonly isStopped: () => boolean;
  readonly lag: Lag;
}

/**
 * One round: publishes page by page until the stream has everything, another controller has taken over, or no
 * headway is made. `from`: the stream's end after the last round, which spares a question; when it is wrong,
 * the stream takes nothing. Answers the stream's end, if it is known.
 */
async function publishNews(
  { store, stream, isStopped, lag }: News,
  from: number | undefined,
): Promise<number | undefined> {
  let before = -1;
  let end = from;
  while (!isStopped()) {
    const after: number = end ?? (await stream.lastSequence());
    lag.published(after);
    if (after === before) return undefined;
    before = after;
    const page = await store.listEvents({ after, limit: eventLimits.eventPublishPage });
    if (page.events.length === 0) return after;
    lag.committed(page.events.at(-1)?.sequence ?? 0);
    end = await stream.publish(page.events);
    if (end !== undefined) lag.published(end);
    if (page.events.length < eventLimits.eventPublishPage) return end;
  }
  return undefined;
}
