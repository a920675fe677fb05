/**
 * What an error of the driver means, and the StatusError that it becomes. Messages of PostgreSQL go to
 * `detail`, for the log: they never hold a password, but may hold values of rows.
 */
import { StatusError } from "../../protocol/wire/status.ts";

/**
 * `unreachable`: the connection was lost or not made; what was sent may have been executed.
 * `busy`: PostgreSQL rolled it back, and may do it at another time (a timeout, a full disk, a standby).
 * `faulty`: PostgreSQL rolled it back, and always will.
 * `outdated`: nothing was done, and nothing ever will be for a controller of this version.
 */
export type FailureKind = "unreachable" | "busy" | "faulty" | "outdated";

interface ServerError {
  readonly code: string;
  readonly message: string;
}

/** The SQLSTATE and text of an error that PostgreSQL itself sent; undefined for every other. */
export function serverError(thrown: unknown): ServerError | undefined {
  if (!(thrown instanceof Error) || !("severity" in thrown) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? { code: thrown.code, message: thrown.message } : undefined;
}

/**
 * The connection ends with these: shutting down, crashed, starting up, connection exceptions. NV000: fenced
 * off.
 */
const unreachableCodes = /^(08|57P|NV000$)/;
/** Timeouts, resources, deadlock and serialization, a read-only standby, an error of the disk. */
const busyCodes = /^(57014|53|55P03|40|25006|58)/;

/** Raised by novact_commit for a controller that does not know a breaking migration. */
const outdatedCode = "NV002";

export const outdatedSentence =
  "The database was brought up to date by a newer version that this one cannot work beside: start the newer version.";

export function failureKind(thrown: unknown): FailureKind {
  const error = serverError(thrown);
  return error === undefined ? "unreachable" : kindOfCode(error.code);
}

export function kindOfCode(code: string): FailureKind {
  if (code === outdatedCode) return "outdated";
  if (unreachableCodes.test(code)) return "unreachable";
  return busyCodes.test(code) ? "busy" : "faulty";
}

/** @param attempted what could not be done, as the object of "cannot" */
export function storeError(thrown: unknown, attempted: string): StatusError {
  if (thrown instanceof StatusError) return thrown;
  if (failureKind(thrown) === "outdated") return unavailable(outdatedSentence, thrown);
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return failureKind(thrown) === "faulty"
    ? new StatusError("internal", `The store cannot ${attempted}.`, { detail, cause: thrown })
    : unavailable(`The store cannot ${attempted} now${isFull(thrown) ? ": its disk is full" : ""}.`, thrown);
}

/** disk_full. */
const isFull = (thrown: unknown): boolean => serverError(thrown)?.code === "53100";

export function unavailable(message: string, cause?: unknown): StatusError {
  const detail = cause instanceof Error ? cause.message : "";
  return new StatusError("storeUnavailable", message, { detail, ...(cause === undefined ? {} : { cause }) });
}

/** What to say when the store cannot be opened. Never the password. @param where `host:port/database` */
export function connectError(thrown: unknown, { where, user }: { where: string; user: string }): StatusError {
  const code = serverError(thrown)?.code ?? "";
  const sentence = connectSentences[code];
  if (sentence !== undefined) return unavailable(`PostgreSQL at ${where}: ${sentence(user)}`, thrown);
  if (code.startsWith("28"))
    return unavailable(`PostgreSQL at ${where} does not let user "${user}" in.`, thrown);
  if (thrown instanceof StatusError) return thrown;
  if (failureKind(thrown) === "faulty")
    return unavailable(`The tables at ${where} cannot be set up.`, thrown);
  const reason = thrown instanceof Error ? nodeReason(thrown) : String(thrown);
  return unavailable(`Cannot connect to PostgreSQL at ${where}: ${reason}`, thrown);
}

const connectSentences: Readonly<Record<string, (user: string) => string>> = {
  "28P01": (user) => `the password of user "${user}" is wrong.`,
  "3D000": () => "the database does not exist.",
  "42501": (user) => `the database does not exist, and user "${user}" may not create it.`,
  "53300": () => "it has no connection left; raise max_connections or stop something.",
  "57P03": () => "it is starting or shutting down; try again.",
};

function nodeReason(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") return "nothing listens there. Is the server up, and the port right?";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host name is not known.";
  if (code === "ENOENT") return "there is no such socket.";
  return `${error.message}.`;
}
