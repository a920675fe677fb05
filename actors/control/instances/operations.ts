/**
 * Operations and events, to be read and waited for: the outcomes of commands, and everything that happened.
 */
import type { eventService } from "../../../protocol/event.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Operation, operationService } from "../../../protocol/operation.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { OperationRow } from "../../ports/operation-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import { operationView } from "../request/operation-view.ts";
import { fitting, jsonBytes, markerBehind } from "../request/page.ts";
import { mayRead } from "../request/tenancy.ts";
import type { Waits } from "../request/waits.ts";
import { eventQuery, operationQuery } from "./list-query.ts";

export interface ReadOptions {
  readonly store: StorePart<{ operations: "get" | "list"; events: "list" | "lastSequence" }>;
  readonly waits: Waits;
  readonly clock: Clock;
}

/** A long poll ends when the caller asked it to, and in any case before the caller's deadline. */
function untilMs(waitMs: number | undefined, deadlineMs: number, clock: Clock): number {
  return Math.min(clock.monotonicMs() + (waitMs ?? 0), deadlineMs - wireLimits.waitMarginMs);
}

/** With its instance's name beside the id, which alone tells people nothing. */
function view({ operation, instanceName }: OperationRow): Operation {
  const shown = operationView(operation);
  return instanceName === null ? shown : { ...shown, instanceName };
}

export function operationHandlers({ store, waits, clock }: ReadOptions): Handlers<typeof operationService> {
  return {
    get: async (request, context) => {
      const read = async () => {
        const row = await store.operations.get(context.id);
        if (row === undefined || !mayRead(context, row.operation.project)) {
          throw new StatusError("operationNotFound", `There is no operation ${context.id}.`);
        }
        return row;
      };
      // Read first: a caller who may not read the operation must not wait for it either, as the wait would
      // answer with it.
      const now = await read();
      if (now.operation.state !== "running" || request.waitMs === undefined) return { operation: view(now) };
      context.onlyWaits();
      const deadlineMs = untilMs(request.waitMs, context.deadlineMs, clock);
      const ended = await waits.untilEnded([context.id], { deadlineMs, signal: context.signal });
      const operation = ended.get(context.id)?.operation;
      return { operation: view(operation === undefined ? await read() : { ...now, operation }) };
    },
    list: async (request, context) => {
      const page = await store.operations.list(operationQuery(request, context));
      const operations = fitting(page.rows.map(view), jsonBytes);
      return { operations: [...operations], ...markerBehind(operations, page) };
    },
  };
}

export function eventHandlers({ store, waits, clock }: ReadOptions): Handlers<typeof eventService> {
  return {
    list: async (request, context) => {
      const now = request.after === undefined ? await store.events.lastSequence() : 0;
      const query = eventQuery(request, context, now);
      const { signal, onlyWaits } = context;
      const deadlineMs = untilMs(request.waitMs, context.deadlineMs, clock);
      const found =
        (request.waitMs ?? 0) > 0
          ? await waits.events.next(query, { deadlineMs, signal, onlyWaits })
          : await store.events.list(query);
      const events = fitting(found.events, jsonBytes);
      const cut = events.length < found.events.length ? events.at(-1)?.sequence : undefined;
      const { last, trimmed, nextBefore } = found;
      if (query.order !== "newest") return { events: [...events], last: cut ?? last, trimmed };
      const before = cut ?? nextBefore;
      return { events: [...events], last, trimmed, ...(before === undefined ? {} : { nextBefore: before }) };
    },
  };
}
