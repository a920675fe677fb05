/** Reads events from memory. It changes nothing. */
import type { EventPage, EventQuery, EventReads } from "../../actors/ports/event-reads.ts";
import type { Tables } from "../rows/tables.ts";
import { pageOfEvents } from "./lists.ts";

export class MemoryEventReads implements EventReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async list(query: EventQuery): Promise<EventPage> {
    return pageOfEvents(this.#tables, query);
  }

  async lastSequence(): Promise<number> {
    return this.#tables.lastSequence;
  }
}
