/**
 * Operations: the outcome of a command, with its steps and their times. Every mutating method on an instance
 * answers with an operation, and so do the commands of operators that take their time. An operation is of one
 * entity of any noun that has operations.
 */
import { type Static, Type } from "@sinclair/typebox";
import { wireLimits } from "./limits/wire.ts";
import { operationKinds, operationNouns, operationStates } from "./states.ts";
import {
  answer,
  anyOf,
  Count,
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
  /**
   * Beside the id, for clients of APIs that want a number: the store gives it when it takes the operation in.
   * Absent: this is the answer to the command that begins it, or of a server from before there were any.
   */
  number: Type.Optional(Count),
  project: Id,
  /** The noun of the entity that it is an operation of. Absent: `instance`. */
  noun: Type.Optional(literals(operationNouns)),
  /** Id of that entity. Absent: `instanceId`. */
  entityId: Type.Optional(Id),
  /** The same as `entityId`, by its name from when only instances had operations. */
  instanceId: Id,
  /**
   * The instance's present name, whatever it is: a row of another noun must not spoil this one. Absent: the
   * instance is beside the operation, or is remembered no more.
   */
  instanceName: Type.Optional(Type.String()),
  /** The host to which the instance goes, or went, when it leaves its own. Absent or null: to none. */
  toHost: Type.Optional(nullable(answer({ id: Id, name: Type.String() }))),
  kind: literals(operationKinds),
  state: literals(operationStates),
  /** 0 to 100. */
  percent: Type.Integer({ minimum: 0, maximum: 100 }),
  step: Type.String(),
  steps: Type.Array(OperationStep),
  requestId: Type.String(),
  startedAtMs: TimeMs,
  /**
   * The operation ends by this time, well or with an error (I6). That of a drain is later whenever an
   * instance was asked to leave.
   */
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
        /** Only operations of this noun. */
        noun: Type.Optional(literals(operationNouns)),
        /** Only operations of the entity with this id. */
        entityId: Type.Optional(Id),
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
      summary:
        "Lists the operations that pass every filter. In admin: those of every project, and those of hosts.",
    }),
  },
});
