/**
 * From the store to the stream: publishes whatever the stream does not have yet, in order, for ever. Every
 * controller runs one; they need not know of each other. Nothing is lost when it stands still, for the store
 * keeps the events, and nobody waits for it: it must never be awaited by a command.
 */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Store } from "../../actors/ports/store.ts";
import { limits } from "../../protocol/limits/limits.ts";
import type { Clock, Log, Timer } from "../../protocol/wire/transport.ts";

export interface EventPublisherOptions {
  readonly store: Pick<Store, "listEvents">;
  readonly stream: EventStream;
  readonly clock: Clock;
  readonly log: Log;
}

export interface EventPublisher {
  /** Something was committed. Cheap, any number of times; several together make one round. */
  wake(): void;
  /** Resolves when the round under way has ended; nothing is published afterwards. */
  stop(): Promise<void>;
}

/** Begins at once, and looks by itself every limits.eventPublishPeriodMs. */
export function startEventPublisher({ store, stream, clock, log }: EventPublisherOptions): EventPublisher {
  let stopped = false;
  let woken = false;
  let failures = 0;
  let timer: Timer | undefined;
  let round: Promise<void> | undefined;
  let known: number | undefined;

  const schedule = (ms: number) => {
    timer?.cancel();
    if (!stopped) timer = clock.after(ms, begin);
  };
  const begin = () => {
    // Who is not woken looks where the stream really is: it may have been lost.
    const from = woken ? known : undefined;
    known = undefined;
    woken = false;
    round = publishNews({ store, stream, isStopped: () => stopped }, from)
      .then(
        (end) => {
          known = end;
          failures = 0;
        },
        (error: unknown) => {
          failures += 1;
          const level = failures === 1 ? "warn" : "debug";
          log[level]({ error, failures }, "events could not be published; trying again");
        },
      )
      .then(() => {
        round = undefined;
        schedule(pauseMs(failures, woken));
      });
  };
  begin();

  return {
    wake() {
      if (stopped || woken) return;
      woken = true;
      // A round under way looks at `woken` when it ends; after failures the back-off stands.
      if (round === undefined && failures === 0) schedule(limits.eventPublishSpacingMs);
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await round;
    },
  };
}

function pauseMs(failures: number, woken: boolean): number {
  if (failures > 0) {
    return Math.min(
      limits.eventPublishBackoffMsMax,
      limits.eventPublishBackoffMsMin * 2 ** Math.min(failures, 16),
    );
  }
  return woken ? limits.eventPublishSpacingMs : limits.eventPublishPeriodMs;
}

interface Round extends Pick<EventPublisherOptions, "store" | "stream"> {
  readonly isStopped: () => boolean;
}

/**
 * One round: page by page until the stream has everything, or somebody else took over, or it makes no
 * headway. `from`: where the stream was after the last round, to spare a question; when that is wrong, it
 * takes nothing. Answers where it is now, if that is known.
 */
async function publishNews(
  { store, stream, isStopped }: Round,
  from: number | undefined,
): Promise<number | undefined> {
  let before = -1;
  let end = from;
  while (!isStopped()) {
    const after: number = end ?? (await stream.lastSequence());
    if (after === before) return undefined;
    before = after;
    const page = await store.listEvents({ after, limit: limits.eventPublishPage });
    if (page.events.length === 0) return after;
    end = await stream.publish(page.events);
    if (page.events.length < limits.eventPublishPage) return end;
  }
  return undefined;
}
