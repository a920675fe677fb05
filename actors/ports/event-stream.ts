/**
 * The stream that committed events are published in: a copy that may be lost and filled again. Types only.
 */
import type { Event } from "../../protocol/event.ts";

/**
 * Where committed events are published in order. It may lose everything at any time: it is refilled from the
 * store.
 */
export interface EventStream {
  /** The sequence number of the newest event in it; 0 when it is empty or was lost. */
  lastSequence(): Promise<number>;
  /**
   * In order, the first directly after `lastSequence`; doing it twice is harmless. Answers the newest event
   * in it then; undefined when somebody else was faster, or it was lost: ask for it again.
   */
  publish(events: readonly Event[]): Promise<number | undefined>;
}
