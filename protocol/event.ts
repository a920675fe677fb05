/**
 * Events: every accepted command and every change of state, once and in order (I10). Events are kept in
 * PostgreSQL, numbered without gaps in the order of their commits, and published on
 * `…evt.<project>.<noun>.<id>.<event>`.
 */
import { type Static, Type } from "@sinclair/typebox";
import { wireLimits } from "./limits/wire.ts";
import { resources } from "./resources.ts";
import { answer, anyOf, Count, Id, listOrder, request, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** The events of each noun, in the past tense; an event's full name is `<noun>.<event>`. */
export const eventNames: Readonly<Record<string, readonly string[]>> = {
  instance: [
    "accepted",
    "stateChanged",
    "operationEnded",
    "placed",
    "leaving",
    "hostFenced",
    "guarded",
    "changed",
    "deleted",
  ],
  host: [
    ...(["registered", "enabled", "disabled", "draining", "operationEnded"] as const),
    ...(["leaseGranted", "fenced", "guarded", "removed"] as const),
  ],
  recovery: ["recoveryStopped", "recoveryResumed"],
  ...Object.fromEntries(Object.values(resources).map(({ noun }) => [noun, ["created", "deleted"]])),
  image: [
    ...([
      "registered",
      "created",
      "changed",
      "stateChanged",
      "operationEnded",
      "deactivated",
      "reactivated",
      "shared",
      "unshared",
    ] as const),
    ...(["accepted", "rejected", "deleted"] as const),
  ],
  aggregate: ["created", "changed", "hostAdded", "hostRemoved", "deleted"],
  volume: ["created", "changed", "extended", "deleted"],
  quota: ["changed"],
  actor: ["restarted", "failed"],
};

export const Event = answer({
  /** 1, 2, 3, … without gaps over the whole cell (the deployment), in the order of the commits. */
  sequence: Count,
  atMs: TimeMs,
  project: Id,
  noun: Type.String(),
  id: Id,
  event: Type.String(),
  /** The request id of the command that caused the event. */
  requestId: Type.Optional(Type.String()),
  operationId: Type.Optional(Id),
  /** Details of the event. Newer versions add fields; ignore those that are unknown. */
  body: Type.Record(Type.String(), Type.Unknown()),
});
export type Event = Static<typeof Event>;

export const eventService = service({
  noun: "event",
  version: "1.0.0",
  summary: "Replay and watch.",
  methods: {
    list: method({
      request: request({
        /**
         * `newest`: the newest events first, as many as are asked for; `nextBefore` leads to those before
         * them. Not with `waitMs`.
         */
        order: listOrder,
        /**
         * Only events after this sequence number; 0: from the oldest event that is kept. Absent: only events
         * that happen from now on; with the order `newest`, or with `sinceMs`, all that are kept.
         */
        after: Type.Optional(Count),
        /** Only events before this sequence number. Only with the order `newest`. */
        before: Type.Optional(Count),
        /** As `nouns` with one value. */
        noun: Type.Optional(Id),
        nouns: anyOf(Id),
        id: Type.Optional(Id),
        /** Names as in `eventNames`, without the noun. */
        events: anyOf(Id),
        /** Happened at this time or later, by the clock of the controller that wrote the event. */
        sinceMs: Type.Optional(TimeMs),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: wireLimits.pageLengthMax })),
        /** How long to wait for an event when there is none yet. */
        waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: wireLimits.waitMsMax })),
      }),
      answer: answer({
        events: Type.Array(Event),
        /**
         * The sequence number to pass as `after` next: no event up to it was left out. With the order
         * `newest`: the newest number when the events were read.
         */
        last: Count,
        /** With the order `newest`: the number to pass as `before` next. Absent: no older event is kept. */
        nextBefore: Type.Optional(Count),
        /** Events up to this sequence number are no longer kept. */
        trimmed: Count,
      }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary:
        "Replays events, and waits for new ones; or lists the newest first. In admin: those of every project.",
    }),
  },
});
