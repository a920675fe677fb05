/** Reads events from PostgreSQL. It changes nothing. */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { EventPage, EventQuery, EventReads } from "../../actors/ports/event-reads.ts";
import { EventEntity } from "../tables/event.ts";
import type { Database } from "./database.ts";
import { type EventRow, eventPage, eventsStatement, lastBeforeStatement } from "./event-statements.ts";
import { type Selection, selectionOf } from "./select.ts";

export class PostgresEventReads implements EventReads {
  readonly #database: Database;
  readonly #event: Selection<EventRow>;

  constructor(em: EntityManager, database: Database) {
    this.#database = database;
    this.#event = selectionOf(em, EventEntity, "e");
  }

  async list(query: EventQuery): Promise<EventPage> {
    const { after, sinceMs } = query;
    const since = sinceMs === undefined ? after : await this.#lastBefore(sinceMs);
    const asked = { ...query, after: Math.max(after, since) };
    const rows = await this.#database.read(eventsStatement(this.#event.columns, asked), "list events");
    return eventPage(this.#event, rows, asked);
  }

  async lastSequence(): Promise<number> {
    const text = "select last_sequence from event_head";
    const [row] = await this.#database.read(
      { name: "last_sequence", text },
      "read the newest event's number",
    );
    return Number(row?.[0]);
  }

  async #lastBefore(sinceMs: number): Promise<number> {
    const [row] = await this.#database.read(lastBeforeStatement(sinceMs), "look for the events since a time");
    return Number(row?.[0] ?? 0);
  }
}
