/**
 * The operation that makes an image of an instance. It is the image's, so that commands of the instance
 * neither end it nor wait for it. Pure.
 */
import type { Refusal } from "../../../../protocol/image-bytes.ts";
import { fieldLimits } from "../../../../protocol/limits/fields.ts";
import { isReason } from "../../../../protocol/wire/reasons.ts";
import { type ErrorBody, StatusError } from "../../../../protocol/wire/status.ts";
import type { NewEvent } from "../../../records/commit.ts";
import type { OperationRecord } from "../../../records/instance.ts";
import { catalogLimits } from "../limits.ts";

export interface Beginning {
  readonly id: string;
  readonly imageId: string;
  readonly project: string;
  readonly requestId: string;
  /** What is to be copied at most. */
  readonly sizeBytes: number;
  readonly nowMs: number;
}

export const imageOperation = ({ id, imageId, nowMs, ...of }: Beginning): OperationRecord => ({
  ...{ id, project: of.project, noun: "image", entityId: imageId, toHost: null, kind: "imageCreate" },
  ...{ state: "running", percent: 0, step: "accepted", steps: [{ step: "accepted", atMs: nowMs }] },
  ...{ requestId: of.requestId, startedAtMs: nowMs, endedAtMs: null, error: null },
  deadlineAtMs: copyDeadlineMs(of.sizeBytes, nowMs),
});

/** When a copy of so many bytes that begins now is given up. */
export const copyDeadlineMs = (sizeBytes: number, nowMs: number): number =>
  nowMs + catalogLimits.copyMsMin + Math.ceil(sizeBytes / catalogLimits.copyBytesPerMs);

export interface Stage {
  readonly step: "copying" | "sending" | "verifying";
  readonly percent: number;
}

/** Undefined: it is no news. Progress within a step is told a tenth at a time. */
export function reached(
  operation: OperationRecord,
  { step, percent }: Stage,
  nowMs: number,
): OperationRecord | undefined {
  const isNew = operation.step !== step;
  if (!isNew && percent < operation.percent + percentStep) return undefined;
  const steps = isNew ? [...operation.steps, { step, atMs: nowMs }] : operation.steps;
  return { ...operation, step, steps, percent: Math.max(percent, operation.percent) };
}

const percentStep = 10;

/** `error`: why it failed; absent: the image is active. */
export function endedOperation(operation: OperationRecord, nowMs: number, error?: Refusal): OperationRecord {
  const state = error === undefined ? "done" : "failed";
  const said = error === undefined ? {} : { message: error.message };
  const steps = [...operation.steps, { step: state, atMs: nowMs, ...said }];
  const percent = error === undefined ? 100 : operation.percent;
  const body = error === undefined ? null : bodyOf(error);
  return { ...operation, state, step: state, steps, percent, endedAtMs: nowMs, error: body };
}

/** `name`: the image's; undefined: it was deleted. */
export function endOf(
  { id, entityId, project, requestId, kind, state, error, endedAtMs }: OperationRecord,
  name: string | undefined,
): NewEvent {
  const body = { ...(name && { name }), kind, state, ...(error && { error }) };
  const about = { noun: "image", id: entityId, project, requestId, operationId: id };
  return { ...about, event: "operationEnded", atMs: endedAtMs ?? 0, body };
}

const bodyOf = (refusal: Refusal): ErrorBody => {
  const { reason, message } = stableRefusal(refusal);
  return new StatusError(reason, message).toBody();
};

/** A reason that is not ours is a host's, which may be of another version, or lie. */
export const stableRefusal = ({ reason, message }: Refusal) => ({
  reason: isReason(reason) ? reason : "copyLost",
  message: message.slice(0, fieldLimits.reasonLengthMax),
});
