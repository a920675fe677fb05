/**
 * Events: every accepted command and every change of state, once, in order (I10). They are kept in
 * PostgreSQL, numbered without gaps in the order of their commits, and published on
 * `…evt.<project>.<noun>.<id>.<event>`.
 */
import { type Static, Type } from "@sinclair/typebox";
import { limits } from "./limits/limits.ts";
import { answer, Count, Id, request, TimeMs } from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

/** Past tense; `<noun>.<event>` is the name. */
export const eventNames = {
  instance: ["accepted", "stateChanged", "operationEnded", "placed", "leaving", "hostFenced", "deleted"],
  host: ["registered", "enabled", "disabled", "draining", "leaseGranted", "fenced", "removed"],
  recovery: ["recoveryStopped", "recoveryResumed"],
  flavor: ["created", "deleted"],
  image: ["registered", "deleted"],
  aggregate: ["created", "changed", "hostAdded", "hostRemoved", "deleted"],
  "server-group": ["created", "deleted"],
  quota: ["changed"],
  actor: ["restarted", "failed"],
} as const;

export const Event = answer({
  /** 1, 2, 3, … without gaps over the whole cell, in the order of the commits. */
  sequence: Count,
  atMs: TimeMs,
  project: Id,
  noun: Type.String(),
  id: Id,
  event: Type.String(),
  /** The command that caused it. */
  requestId: Type.Optional(Type.String()),
  operationId: Type.Optional(Id),
  /** What it is about; grows with versions, unknown fields are to be ignored. */
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
         * Only those after this sequence number; 0 for the beginning of what is kept. Absent: only what
         * comes.
         */
        after: Type.Optional(Count),
        noun: Type.Optional(Id),
        id: Type.Optional(Id),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageLengthMax })),
        /** When nothing is there yet, wait for it so long. */
        waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: limits.waitMsMax })),
      }),
      answer: answer({
        events: Type.Array(Event),
        /** Ask after this one next: nothing up to it was left out. */
        last: Count,
        /** Events up to here are no longer kept. */
        trimmed: Count,
      }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary:
        "Replays events after a sequence number, and waits for new ones. In admin: those of every project.",
    }),
  },
});
