/**
 * Operations: the outcome of a command, with its steps and their times. Every mutating method on an instance
 * answers with an operation.
 */
import { type Static, Type } from "@sinclair/typebox";
import { wireLimits } from "./limits/wire.ts";
import { operationKinds, operationStates } from "./states.ts";
import {
  answer,
  anyOf,
  ErrorAnswer,
  Id,
  listOrder,
  literals,
  nullable,
  pageRequest,
  request,
  TimeMs,
} from "./wire/schema.ts";
import { method, service } from "./wire/service.ts";

export const OperationStep = answer({
  /** `accepted`, `placed`, `preparing`, `starting`, `running`, …: the stages that were reached, in order. */
  step: Type.String(),
  atMs: TimeMs,
  message: Type.Optional(Type.String()),
});
export type OperationStep = Static<typeof OperationStep>;

export const Operation = answer({
  id: Id,
  project: Id,
  instanceId: Id,
  /**
   * The instance's present name, whatever it is: a row of another noun must not spoil this one. Absent: the
   * instance is beside the operation, or is remembered no more.
   */
  instanceName: Type.Optional(Type.String()),
  kind: literals(operationKinds),
  state: literals(operationStates),
  /** 0 to 100. */
  percent: Type.Integer({ minimum: 0, maximum: 100 }),
  step: Type.String(),
  steps: Type.Array(OperationStep),
  requestId: Type.String(),
  startedAtMs: TimeMs,
  /** The operation ends by this time, well or with an error (I6). */
  deadlineAtMs: TimeMs,
  endedAtMs: nullable(TimeMs),
  error: nullable(ErrorAnswer),
});
export type Operation = Static<typeof Operation>;

export const operationService = service({
  noun: "operation",
  version: "1.0.0",
  summary: "What became of a command.",
  methods: {
    get: method({
      request: request({
        /** Answer only when the operation has ended, or after this time. */
        waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: wireLimits.waitMsMax })),
      }),
      answer: answer({ operation: Operation }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Shows one operation; with waitMs only when it has ended or the time is over.",
    }),
    list: method({
      request: request({
        ...pageRequest,
        order: listOrder,
        /** As `instanceIds` with one value; so is `state` of `states`. */
        instanceId: Type.Optional(Id),
        instanceIds: anyOf(Id),
        state: Type.Optional(literals(operationStates)),
        states: anyOf(literals(operationStates)),
        kinds: anyOf(literals(operationKinds)),
        /** Begun at this time or later. */
        sinceMs: Type.Optional(TimeMs),
      }),
      answer: answer({
        operations: Type.Array(Operation),
        nextMarker: Type.Optional(Id),
      }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "Lists the operations that pass every filter, with the names of their instances.",
    }),
  },
});
