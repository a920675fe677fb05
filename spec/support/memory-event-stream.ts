/** The event stream in memory: takes an event only directly after the last one that its publisher saw. */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Event } from "../../protocol/event.ts";

export interface MemoryEventStream {
  /** Connects to the stream, as one controller does. */
  connect(): EventStream;
  /** The events in the stream. */
  readonly events: readonly Event[];
  /** Loses everything, as when NATS loses its disk. */
  wipe(): void;
}

export function createMemoryEventStream(
  listener: (event: Event) => void = () => undefined,
): MemoryEventStream {
  let events: Event[] = [];
  const last = () => events.at(-1)?.sequence ?? 0;
  return {
    get events() {
      return events;
    },
    wipe() {
      events = [];
    },
    connect() {
      let seen: number | undefined;
      return {
        async lastSequence() {
          seen = last();
          return seen;
        },
        async publish(offered) {
          let before = seen ?? last();
          seen = undefined;
          for (const event of offered.filter(({ sequence }) => sequence > before)) {
            await Promise.resolve();
            if (events.some(({ sequence }) => sequence === event.sequence)) {
              before = event.sequence;
              continue;
            }
            if (last() !== before) return undefined;
            events.push(event);
            listener(event);
            before = event.sequence;
          }
          seen = before;
          return before;
        },
      };
    },
  };
}
