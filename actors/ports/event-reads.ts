/** What can be read of the outbox: events in the order of their numbers. Types only. */
import type { Event } from "../../protocol/event.ts";

export interface EventQuery {
  readonly after: number;
  readonly limit: number;
  /** Absent: `oldest`. */
  readonly order?: "oldest" | "newest";
  /** Only events before this number; with the order `newest` alone. */
  readonly before?: number;
  readonly project?: string;
  readonly nouns?: readonly string[] | undefined;
  readonly id?: string | undefined;
  readonly names?: readonly string[] | undefined;
  /** Of this time or later. Events far before it are passed over without a look. */
  readonly sinceMs?: number | undefined;
}

export interface EventPage {
  readonly events: readonly Event[];
  /**
   * Everything up to this sequence number was read: the next query begins after it. With the order `newest`
   * the newest number.
   */
  readonly last: number;
  /** With the order `newest`: everything from this number on was read. Absent: there is nothing before it. */
  readonly nextBefore?: number;
  /** Everything up to this sequence number is no longer kept. */
  readonly trimmed: number;
}

export interface EventReads {
  list(query: EventQuery): Promise<EventPage>;
  /** The newest sequence number; 0 before the first event. */
  lastSequence(): Promise<number>;
}
