/** A place outside the cell that gets every committed event: a file, a web server. Types only. */
import type { Event } from "../../protocol/event.ts";

export interface EventSink {
  /**
   * Takes events in order of their numbers, some of them perhaps a second time: each event is given until a
   * call with it has resolved. Resolves when they are safe at their place. Rejects, with words for operators
   * and without secrets, when they are not; the same events come again, later each time. A call whose signal
   * is aborted has to end soon. One call at a time.
   */
  deliver(events: readonly Event[], signal: AbortSignal): Promise<void>;
  /** Closes what was opened; no call follows. Never rejects. Absent: nothing was. */
  close?(): Promise<void>;
}
