/**
 * The headers of requests and answers, and the one form in which an error goes over the wire.
 *
 * `Nats-Service-Error-Code` is a number, because the tools of NATS parse it as a number: the HTTP status of
 * the code. A header from outside is checked here before any other code sees it.
 */

import { wireLimits } from "../limits/wire.ts";
import { type Encoding, encodeBody } from "./codec.ts";
import { codes, reasons } from "./reasons.ts";
import { ErrorAnswer } from "./schema.ts";
import { StatusError } from "./status.ts";
import { marked } from "./text.ts";
import type { BusMessage } from "./transport.ts";
import { validatorOf } from "./validate.ts";

export const headerNames = {
  requestId: "Novact-Request-Id",
  timeoutMs: "Novact-Timeout-Ms",
  traceparent: "traceparent",
  errorNumber: "Nats-Service-Error-Code",
  errorMessage: "Nats-Service-Error",
  code: "Novact-Code",
  reason: "Novact-Reason",
  /** The sequence number of an event. */
  sequence: "Novact-Sequence",
} as const;

/** A request id is printable and has no spaces: it goes into headers, logs and rows. */
const requestIdPattern = new RegExp(`^[\\x21-\\x7e]{1,${wireLimits.requestIdLengthMax}}$`);
const timeoutPattern = /^[+-]?\d{1,15}$/;
/** Source: W3C Trace Context, version 00. */
const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export interface RequestHeaders {
  readonly requestId: string | undefined;
  readonly timeoutMs: number;
  readonly traceparent: string | undefined;
}

/** @throws INVALID_ARGUMENT malformedHeader; DEADLINE_EXCEEDED deadlinePast */
export function readRequestHeaders(headers: BusMessage["headers"]): RequestHeaders {
  const requestId = headerOf(headers, headerNames.requestId);
  if (requestId !== undefined && !requestIdPattern.test(requestId)) {
    const allowed = `1 to ${wireLimits.requestIdLengthMax} printable ASCII characters without spaces`;
    const details = { faults: [{ field: "requestId", problem: `must be ${allowed}` }] };
    throw new StatusError("malformedHeader", `${headerNames.requestId} must be ${allowed}.`, { details });
  }
  const traceparent = headerOf(headers, headerNames.traceparent);
  return {
    requestId,
    timeoutMs: timeoutOf(headerOf(headers, headerNames.timeoutMs)),
    // The standard says to ignore a malformed traceparent.
    traceparent: traceparent !== undefined && traceparentPattern.test(traceparent) ? traceparent : undefined,
  };
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return wireLimits.timeoutMsDefault;
  if (!timeoutPattern.test(text)) {
    throw new StatusError(
      "malformedHeader",
      `${headerNames.timeoutMs} must be a whole number of milliseconds.`,
    );
  }
  const timeoutMs = Number(text);
  if (timeoutMs <= 0) {
    throw new StatusError(
      "deadlinePast",
      `The deadline was already past (${headerNames.timeoutMs} is not positive).`,
    );
  }
  return Math.min(timeoutMs, wireLimits.timeoutMsMax);
}

/**
 * The header's value under any spelling of its name: clients choose upper or lower case, and NATS keeps it.
 */
function headerOf(headers: BusMessage["headers"], name: string): string | undefined {
  const exact = headers[name];
  if (exact !== undefined) return exact;
  const lowered = name.toLowerCase();
  const key = Object.keys(headers).find((candidate) => candidate.toLowerCase() === lowered);
  return key === undefined ? undefined : headers[key];
}

/**
 * The answer that carries an error. The error's message also goes into a header, so that tools show it
 * without decoding the body.
 */
export function errorMessage(error: StatusError, encoding: Encoding): BusMessage {
  const body = error.toBody();
  const encoded = encodeBody({ error: body }, encoding);
  const { details, ...short } = body;
  return {
    body: encoded.length <= wireLimits.answerBytesMax ? encoded : encodeBody({ error: short }, encoding),
    headers: {
      [headerNames.errorNumber]: String(codes[error.code].http),
      [headerNames.errorMessage]: headerText(error.message),
      [headerNames.code]: error.code,
      [headerNames.reason]: error.reason,
    },
  };
}

/** The text as a header's value: one line, not empty, of bounded length, with nothing in it that steers. */
function headerText(text: string): string {
  const line = marked(text.replace(/\p{Cc}+/gu, " ").trim());
  return line === "" ? "error" : line.slice(0, 512).replace(/\p{Cs}$/u, "");
}

const errorValidator = validatorOf(ErrorAnswer);

/** The error in an answer; undefined when the answer is not an error. */
export function errorOf(headers: BusMessage["headers"], body: Readonly<Record<string, unknown>>) {
  const code = headerOf(headers, headerNames.code);
  const number = headerOf(headers, headerNames.errorNumber);
  if (code === undefined && number === undefined) return undefined;
  if (errorValidator.accepts(body.error)) return StatusError.fromBody(body.error);
  const reason = headerOf(headers, headerNames.reason) ?? "";
  const message =
    headerOf(headers, headerNames.errorMessage) ?? "The peer answered with an error and no text.";
  return StatusError.fromBody({ code: code ?? "", reason, message, next: reasons.internal.next });
}
