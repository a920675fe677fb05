/** The statement that reads a page of events. Pure. */
import type { EventPage, EventQuery } from "../../actors/ports/event-reads.ts";
import type { Event } from "../../protocol/event.ts";
import { earliest, eventPageOf, windowOf } from "../rows/event-page.ts";
import { storable } from "../rows/storable.ts";
import type { Row, Statement } from "./database.ts";
import type { Selection } from "./select.ts";

/** An event as its row has it: what is absent is null. */
export type EventRow = Omit<Event, "requestId" | "operationId"> & {
  readonly requestId: string | null;
  readonly operationId: string | null;
};

/** `newest`, `trimmed`, then the event's columns; one row without an event when there is none. */
export function eventsStatement(columns: string, query: EventQuery): Statement {
  const { project, id, nouns, names, sinceMs, limit } = query;
  const values: unknown[] = [];
  const put = (value: unknown): string => `$${values.push(value ?? null)}`;
  const equal = [
    ["project", project],
    ["id", id],
  ] as const;
  const used = equal.filter(([, value]) => value !== undefined);
  const window = windowText(query, put);
  const conditions = [
    ...used.map(([column, value]) => `${column} = ${put(value)}`),
    ...(
      [
        ["noun", nouns],
        ["event", names],
      ] as const
    ).map(([column, wanted]) => {
      const given = `${put(wanted?.map(storable))}::text[]`;
      return `(${given} is null or ${column} = any (${given}))`;
    }),
    `at_ms >= ${put(sinceMs ?? 0)}`,
  ].join(" and ");
  const direction = query.order === "newest" ? "desc" : "asc";
  const text = `select h.last_sequence, h.trimmed, ${columns} from event_head h left join lateral (
      select * from event where ${window} and ${conditions} order by sequence ${direction} limit ${put(limit)}
    ) e on true order by e.sequence ${direction}`;
  const key = [...used.map(([column]) => column), direction];
  return { name: `events_${key.join("_")}`, text, values };
}

/** The same window as `windowOf`, which knows here what is kept only when it has been read. */
function windowText(query: EventQuery, put: (value: unknown) => string): string {
  const kept = { newest: Number.MAX_SAFE_INTEGER, trimmed: 0 };
  const { above, upTo } = windowOf(query, kept);
  if (query.order !== "newest") return `sequence > ${put(above)} and sequence <= ${put(upTo)}`;
  const end = `least(h.last_sequence, ${put(upTo)}::bigint)`;
  const most = `${put(upTo - above)}::bigint`;
  return `sequence > greatest(${put(query.after)}::bigint, ${end} - ${most}) and sequence <= ${end}`;
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
  return eventPageOf(events, query, { newest: Number(newest), trimmed: Number(trimmed) });
}

/** The same search as `lastBefore` of db/rows/event-page.ts, a step a row. */
export function lastBeforeStatement(sinceMs: number): Statement {
  const text = `with recursive search(low, high) as (
      select trimmed, last_sequence from event_head
      union all
      select case when e.at_ms < $1 then s.middle else s.low end,
          case when e.at_ms < $1 then s.high else s.middle - 1 end
        from (select low, high, (low + high + 1) / 2 as middle from search where low < high) s
          join event e on e.sequence = s.middle
    )
    select low from search where low = high`;
  return { name: "last_before", text, values: [earliest(sinceMs)] };
}

function eventOf({ requestId, operationId, ...event }: EventRow): Event {
  return {
    ...event,
    ...(requestId === null ? {} : { requestId }),
    ...(operationId === null ? {} : { operationId }),
  };
}
