/** Converts messages between the NATS library's form and the bus port's. */
import { headers as createHeaders, ErrorCode, type MsgHdrs, NatsError } from "#nats";
import type { Reason } from "../../protocol/wire/reasons.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";

export function natsHeaders(record: BusMessage["headers"]): MsgHdrs | undefined {
  const entries = Object.entries(record);
  if (entries.length === 0) return undefined;
  const headers = createHeaders();
  for (const [name, value] of entries) headers.set(name, value);
  return headers;
}

/** The headers as a record, with the first value of each. */
export function recordOf(headers: MsgHdrs | undefined): BusMessage["headers"] {
  if (headers === undefined) return {};
  return Object.fromEntries(headers.keys().map((name) => [name, headers.get(name)]));
}

/** The first of these names that has several values, under whatever spellings; undefined: none has. */
export function doubledIn(headers: MsgHdrs | undefined, names: readonly string[]): string | undefined {
  if (headers === undefined) return undefined;
  const keys = headers.keys();
  return names.find((name) => {
    const spellings = keys.filter((key) => key.toLowerCase() === name.toLowerCase());
    return new Set(spellings.flatMap((key) => headers.values(key))).size > 1;
  });
}

const reasonsOfCodes: Readonly<Record<string, Reason>> = {
  [ErrorCode.MaxPayloadExceeded]: "bodyTooLarge",
  [ErrorCode.BadSubject]: "malformedSubject",
  [ErrorCode.BadHeader]: "malformedHeader",
};

export function fromNats(thrown: unknown): StatusError {
  const reason =
    thrown instanceof NatsError ? (reasonsOfCodes[thrown.code] ?? "notConnected") : "notConnected";
  return new StatusError(reason, "The request could not be sent.", { cause: thrown });
}
