/** The stream of events in memory: takes an event only directly after the one its publisher saw last. */
import type { EventStream } from "../../actors/ports/event-stream.ts";
import type { Event } from "../../protocol/event.ts";

export interface MemoryEventStream {
  /** One end of it, as one controller has it. */
  connect(): EventStream;
  /** What is in it. */
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
