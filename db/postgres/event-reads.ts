/** The statement that reads a page of events. Pure. */
import type { EventPage, EventQuery } from "../../actors/ports/store.ts";
import type { Event } from "../../protocol/event.ts";
import { lastOfPage } from "../rows/event-page.ts";
import type { Row, Statement } from "./database.ts";
import type { Selection } from "./select.ts";

/** An event as its row has it: what is absent is null. */
export type EventRow = Omit<Event, "requestId" | "operationId"> & {
  readonly requestId: string | null;
  readonly operationId: string | null;
};

/** `newest`, `trimmed`, then the event's columns; one row without an event when there is none. */
export function eventsStatement(columns: string, query: EventQuery): Statement {
  const filters = [
    ["project", query.project],
    ["noun", query.noun],
    ["id", query.id],
  ] as const;
  const used = filters.filter(([, value]) => value !== undefined);
  const conditions = used.map(([column], index) => `and ${column} = $${index + 4}`).join(" ");
  const key = filters.map(([, value]) => (value === undefined ? 0 : 1)).join("");
  const text = `select h.last_sequence, h.trimmed, ${columns} from event_head h left join lateral (
      select * from event where sequence > $1 and sequence <= $2 ${conditions} order by sequence limit $3
    ) e on true order by e.sequence`;
  const window = lastOfPage(query, Number.MAX_SAFE_INTEGER);
  return {
    name: `events_${key}`,
    text,
    values: [query.after, window, query.limit, ...used.map(([, v]) => v)],
  };
}

export function eventPage(
  selection: Selection<EventRow>,
  rows: readonly Row[],
  query: EventQuery,
): EventPage {
  const events = rows.flatMap((row) => {
    const found = selection.read(row, 2);
    return found === undefined ? [] : [eventOf(found)];
  });
  const [newest, trimmed] = rows[0] ?? [0, 0];
  const window = lastOfPage(query, Number(newest));
  const last = events.length === query.limit ? events.at(-1)?.sequence : undefined;
  return { events, last: last ?? window, trimmed: Number(trimmed) };
}

function eventOf({ requestId, operationId, ...event }: EventRow): Event {
  return {
    ...event,
    ...(requestId === null ? {} : { requestId }),
    ...(operationId === null ? {} : { operationId }),
  };
}
