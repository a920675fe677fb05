/**
 * Operations and events, to be read and waited for: the outcomes of commands, and everything that happened.
 */
import type { eventService } from "../../../protocol/event.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { operationService } from "../../../protocol/operation.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import { operationView } from "../request/operation-view.ts";
import { fitting, jsonBytes, nextMarker } from "../request/page.ts";
import { mayRead, scopeOf } from "../request/tenancy.ts";
import type { Waits } from "../request/waits.ts";

export interface ReadOptions {
  readonly store: Pick<Store, "getOperation" | "listOperations" | "listEvents" | "lastSequence">;
  readonly waits: Waits;
  readonly clock: Clock;
}

/** A long poll ends when the caller asked it to, and in any case before the caller's deadline. */
function untilMs(waitMs: number | undefined, deadlineMs: number, clock: Clock): number {
  return Math.min(clock.monotonicMs() + (waitMs ?? 0), deadlineMs - wireLimits.waitMarginMs);
}

export function operationHandlers({ store, waits, clock }: ReadOptions): Handlers<typeof operationService> {
  return {
    get: async (request, context) => {
      const read = async () => {
        const operation = await store.getOperation(context.id);
        if (operation === undefined || !mayRead(context, operation.project)) {
          throw new StatusError("operationNotFound", `There is no operation ${context.id}.`);
        }
        return operation;
      };
      // Read first: a caller who may not read the operation must not wait for it either, as the wait would
      // answer with it.
      const now = await read();
      if (now.state !== "running" || request.waitMs === undefined) return { operation: operationView(now) };
      context.onlyWaits();
      const deadlineMs = untilMs(request.waitMs, context.deadlineMs, clock);
      const ended = await waits.untilEnded([context.id], { deadlineMs, signal: context.signal });
      return { operation: operationView(ended.get(context.id)?.operation ?? (await read())) };
    },
    list: async (request, context) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const { instanceId, ...asked } = request;
      const of = instanceId === undefined ? {} : ({ noun: "instance", entityId: instanceId } as const);
      const found = await store.listOperations({ ...of, ...asked, ...scopeOf(context), limit });
      const operations = fitting(found.map(operationView), jsonBytes);
      return { operations: [...operations], ...nextMarker(operations, limit, found.length) };
    },
  };
}

export function eventHandlers({ store, waits, clock }: ReadOptions): Handlers<typeof eventService> {
  return {
    list: async (request, context) => {
      const limit = request.limit ?? wireLimits.pageLengthDefault;
      const { noun, id } = request;
      const filter = { ...scopeOf(context), ...(noun ? { noun } : {}), ...(id ? { id } : {}), limit };
      const query = { ...filter, after: request.after ?? (await store.lastSequence()) };
      const { signal, onlyWaits } = context;
      const deadlineMs = untilMs(request.waitMs, context.deadlineMs, clock);
      const found =
        (request.waitMs ?? 0) > 0
          ? await waits.events.next(query, { deadlineMs, signal, onlyWaits })
          : await store.listEvents(query);
      const events = fitting(found.events, jsonBytes);
      const cut = events.length < found.events.length;
      const last = (cut ? events.at(-1)?.sequence : undefined) ?? found.last;
      return { events: [...events], last, trimmed: found.trimmed };
    },
  };
}
