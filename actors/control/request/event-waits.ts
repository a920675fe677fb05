/**
 * Waiting for events. All who wait for events of one project (or, operators, of every project) are served by
 * one reader of those events, which goes on from a position; each page is handed to whoever waits for one of
 * its events.
 *
 * No event is missed: a wait begins at the number up to which its caller has read, and when the reader is
 * further, it goes back there. Nobody is handed an event twice, as each wait has a position of its own.
 * A read that fails is the trouble of those who wait for its events, and of nobody else.
 */
import type { Event } from "../../../protocol/event.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { EventPage, EventQuery } from "../../ports/event-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import { requestLimits } from "./limits.ts";
import { SharedReads, type WaitOptions } from "./shared-reads.ts";

type EventStore = StorePart<{ events: "list" | "lastSequence" }>;

interface Waiter {
  readonly query: EventQuery;
  /** Everything up to here was read for this wait; never below the reader's position. */
  after: number;
  settle(page: EventPage): void;
}

/** The reader of one project's events, while somebody waits for them. */
interface Reader {
  readonly project: string | undefined;
  position: number;
  trimmed: number;
  readonly waiters: Set<Waiter>;
  /** Of the last read; undefined: it succeeded. */
  failure: { readonly error: unknown } | undefined;
}

export interface EventWaitOptions extends WaitOptions {
  /** Called when nothing is left to do but to wait. */
  readonly onlyWaits?: () => void;
}

export class EventWaits {
  readonly #store: EventStore;
  /** By project; operators' under undefined. */
  readonly #readers = new Map<string | undefined, Reader>();
  readonly #reads: SharedReads<Reader>;

  constructor(store: EventStore, clock: Clock) {
    this.#store = store;
    const read = async (readers: readonly Reader[]) => {
      for (const reader of readers) await this.#attempt(reader);
    };
    this.#reads = new SharedReads({ clock, read, again: () => this.#behind() });
  }

  get waiting(): number {
    return this.#reads.waiting;
  }

  /** Events of these projects were committed. */
  committed(projects: Iterable<string>): void {
    for (const project of [...projects, undefined]) {
      const reader = this.#readers.get(project);
      if (reader !== undefined) this.#reads.want([reader]);
    }
  }

  /**
   * The next events that the query is for: at once when there are some, else when they come. A page without
   * events at the deadline, and also when so many other events came that the caller should go on from `last`.
   * @throws UNAVAILABLE storeUnavailable
   */
  async next(query: EventQuery, options: EventWaitOptions): Promise<EventPage> {
    const known = this.#readers.get(query.project);
    let page: EventPage = { events: [], last: query.after, trimmed: known?.trimmed ?? 0 };
    if (known === undefined || known.position > query.after) {
      page = await this.#store.events.list(query);
      // A filter without an index looks at a window of events only: there may be more behind it.
      const far = page.last - query.after > requestLimits.eventsPassedMax;
      const judged = (query.nouns ?? query.names) !== undefined && query.id === undefined;
      if (page.events.length > 0 || (far && judged)) return page;
    }
    options.onlyWaits?.();
    return this.#wait({ ...query, after: page.last }, page.trimmed, options);
  }

  #wait(query: EventQuery, trimmed: number, options: WaitOptions): Promise<EventPage> {
    let waiter: Waiter | undefined;
    let reader: Reader | undefined;
    const begin = (settle: (page: EventPage) => void) => {
      waiter = { query, after: query.after, settle };
      reader = this.#readerFor(query, trimmed);
      return this.#join(waiter, reader);
    };
    return this.#reads.wait(options, begin, () => {
      if (reader?.failure !== undefined) throw reader.failure.error;
      return { events: [], last: waiter?.after ?? query.after, trimmed };
    });
  }

  #readerFor({ project, after: position }: EventQuery, trimmed: number): Reader {
    let reader = this.#readers.get(project);
    if (reader === undefined) {
      reader = { project, position, trimmed, waiters: new Set(), failure: undefined };
      this.#readers.set(project, reader);
    }
    return reader;
  }

  /** Returns what ends the wait. */
  #join(waiter: Waiter, reader: Reader): () => void {
    const { project, after } = waiter.query;
    reader.waiters.add(waiter);
    if (after < reader.position) {
      reader.position = after;
      this.#reads.want([reader]);
    }
    return () => {
      reader.waiters.delete(waiter);
      if (reader.waiters.size === 0 && this.#readers.get(project) === reader) this.#readers.delete(project);
    };
  }

  /** Who waits for these events still waits when their read fails: they are wanted again in a second. */
  async #attempt(reader: Reader): Promise<void> {
    try {
      await this.#read(reader);
      reader.failure = undefined;
    } catch (error) {
      reader.failure = { error };
    }
  }

  async #read(reader: Reader): Promise<void> {
    if (reader.waiters.size === 0) return;
    const { project, position: from } = reader;
    const limit = requestLimits.eventsReadAtOnceMax;
    const filter = project === undefined ? {} : { project };
    const page = await this.#store.events.list({ ...filter, after: from, limit });
    // A wait that began meanwhile before this page has sent the reader back, and gets nothing of it.
    if (reader.position >= from) reader.position = page.last;
    reader.trimmed = page.trimmed;
    for (const waiter of [...reader.waiters]) if (waiter.after >= from) hand(page, waiter);
    if (page.events.length === limit) this.#reads.want([reader]);
  }

  /** Those that have not read up to the newest event. */
  async #behind(): Promise<readonly Reader[]> {
    const newest = await this.#store.events.lastSequence();
    return [...this.#readers.values()].filter(({ position }) => position < newest);
  }
}

/** Settles the wait when the page has some of its events; else the wait goes on behind the page. */
function hand({ events, last, trimmed }: EventPage, waiter: Waiter): void {
  const { query } = waiter;
  const found: Event[] = [];
  for (const event of events) {
    if (found.length === query.limit) break;
    if (event.sequence > waiter.after && concerns(event, query)) found.push(event);
  }
  if (found.length === 0) {
    waiter.after = Math.max(waiter.after, last);
    return;
  }
  const readTo = found.length === query.limit ? found.at(-1)?.sequence : undefined;
  waiter.settle({ events: found, last: readTo ?? Math.max(waiter.after, last), trimmed });
}

function concerns(event: Event, { nouns, id, names, sinceMs = 0 }: EventQuery): boolean {
  return (
    (nouns?.includes(event.noun) ?? true) &&
    (id ?? event.id) === event.id &&
    (names?.includes(event.event) ?? true) &&
    event.atMs >= sinceMs
  );
}
