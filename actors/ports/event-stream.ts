/** The event stream: a copy of the committed events that may be lost and filled again. Types only. */
import type { Event } from "../../protocol/event.ts";

/**
 * The stream in which committed events are published, in order. It may lose everything at any time: it is
 * refilled from the store.
 */
export interface EventStream {
  /** The sequence number of the newest event in it; 0 when it is empty or was lost. */
  lastSequence(): Promise<number>;
  /**
   * Appends events, in order, the first directly after `lastSequence`; idempotent. Answers the sequence
   * number of the newest event then in the stream; undefined when another publisher was faster, or the stream
   * was lost: ask for `lastSequence` again.
   */
  publish(events: readonly Event[]): Promise<number | undefined>;
}
