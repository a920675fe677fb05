/**
 * Every subject of novact is built and parsed in this file only. A token is checked before it becomes part of
 * a subject: a dot, star or `>` in an id would be an injection.
 */
import { StatusError } from "./status.ts";

const token = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Reserved project names: `admin` reaches the operators' methods, `sys` is for the supervisors' own events.
 */
export const adminProject = "admin";
export const systemProject = "sys";

export function isToken(text: string): boolean {
  return token.test(text);
}

/** @throws INVALID_ARGUMENT malformedSubject */
export function assertToken(text: string, what: string): string {
  if (isToken(text)) return text;
  throw new StatusError("malformedSubject", `The ${what} is not a valid subject token.`);
}

const prefix = (cell: string) => `novact.v1.${assertToken(cell, "cell")}`;

export const commandSubject = (
  cell: string,
  project: string,
  noun: string,
  method: string,
  id = "",
): string =>
  [
    prefix(cell),
    "cmd",
    assertToken(project, "project"),
    assertToken(noun, "noun"),
    ...(id === "" ? [] : [assertToken(id, "id")]),
    assertToken(method, "method"),
  ].join(".");

/** The pattern of one method that controllers subscribe to: any project, any id. */
export const commandPattern = (
  cell: string,
  noun: string,
  method: string,
  target: "collection" | "entity",
): string => `${prefix(cell)}.cmd.*.${noun}.${target === "entity" ? "*." : ""}${method}`;

/** What every command's subject begins with, to the dot before its project. */
export const commandSubjectStart = (cell: string): string => `${prefix(cell)}.cmd.`;

export const allCommandsPattern = (cell: string): string => `${commandSubjectStart(cell)}>`;

/** The pattern of all commands of one project. */
export const projectCommandsPattern = (cell: string, project: string): string =>
  `${commandSubjectStart(cell)}${assertToken(project, "project")}.>`;

const eventSubject = (cell: string, project: string, noun: string, id: string, event: string): string =>
  [
    prefix(cell),
    "evt",
    assertToken(project, "project"),
    assertToken(noun, "noun"),
    assertToken(id, "id"),
    assertToken(event, "event"),
  ].join(".");

/**
 * The pattern of events that a client may subscribe to, in whole or in part: those of one project, or of all.
 */
export const eventPattern = (cell: string, project?: string): string =>
  project === undefined ? allEventsPattern(cell) : `${prefix(cell)}.evt.${assertToken(project, "project")}.>`;

/**
 * The subject on which controllers offer an event to the stream. The stream repeats each event that it has
 * taken on the event's own subject; so several controllers may offer the same event, and listeners hear it
 * once and in order.
 */
export const eventLogSubject = (
  cell: string,
  { project, noun, id, event }: { project: string; noun: string; id: string; event: string },
): string => eventSubject(cell, project, noun, id, event).replace(".evt.", ".log.");

/** The subjects that the stream takes, and the subjects that it repeats them on. */
export const eventLogPattern = (cell: string): string => `${prefix(cell)}.log.>`;
export const allEventsPattern = (cell: string): string => `${prefix(cell)}.evt.>`;

export const hostSubject = (cell: string, hostId: string, method: string): string =>
  `${prefix(cell)}.host.${assertToken(hostId, "host id")}.${assertToken(method, "method")}`;

export const hostPattern = (cell: string, hostId: string): string =>
  `${prefix(cell)}.host.${assertToken(hostId, "host id")}.*`;

export const reportSubject = (cell: string, hostId: string, method: string): string =>
  `${prefix(cell)}.report.${assertToken(hostId, "host id")}.${assertToken(method, "method")}`;

/** What every report's subject begins with, to the dot before its host. */
export const reportSubjectStart = (cell: string): string => `${prefix(cell)}.report.`;

export const reportPattern = (cell: string): string => `${reportSubjectStart(cell)}*.*`;

/** A controller's own questions to the one that has the bytes of an image. */
export const imageHolderSubject = (cell: string, server: string, method: string): string =>
  `${prefix(cell)}.images.${assertToken(server, "server")}.${assertToken(method, "method")}`;

export const imageHolderPattern = (cell: string, server: string): string =>
  `${prefix(cell)}.images.${assertToken(server, "server")}.*`;

/** The subject on which controllers tell each other that the outbox has grown: a hint that may be lost. */
export const outboxHintSubject = (cell: string): string => `${prefix(cell)}.hint.outbox`;

/** The subject on which a controller asks all controllers what they are doing, and that of the answers. */
export const debugQuestionSubject = (cell: string): string => `${prefix(cell)}.hint.debug`;
export const debugAnswerSubject = (cell: string, question: string): string =>
  `${debugQuestionSubject(cell)}.${assertToken(question, "question")}`;
/** The subject on which controllers ask each other who is there. */
export const rollCallSubject = (cell: string): string => `${prefix(cell)}.hint.roll`;

export const eventStreamName = (cell: string): string => `NOVACT_${assertToken(cell, "cell")}_EVENTS`;

/**
 * The token behind the start of a subject; undefined when the subject begins otherwise, or has no token
 * there. For each message that arrives: it costs less than a parser.
 */
export function tokenBehind(start: string, subject: string): string | undefined {
  if (!subject.startsWith(start)) return undefined;
  const dot = subject.indexOf(".", start.length);
  const found = subject.slice(start.length, dot < 0 ? subject.length : dot);
  return isToken(found) ? found : undefined;
}

export interface CommandAddress {
  readonly project: string;
  readonly noun: string;
  readonly id: string;
  readonly method: string;
}

/**
 * The parts of a command's subject; undefined when the subject is not a command's. The bus has split the
 * subject at its dots, so ids have none.
 */
export function parseCommandSubject(cell: string, subject: string): CommandAddress | undefined {
  const tokens = subject.split(".");
  if (tokens.length < 7 || tokens.length > 8) return undefined;
  const [novact, version, place, kind, project, noun, ...rest] = tokens;
  if (novact !== "novact" || version !== "v1" || place !== cell || kind !== "cmd") return undefined;
  const [id, method] = rest.length === 2 ? rest : ["", rest[0]];
  if (![project, noun, method].every((part) => part !== undefined && isToken(part))) return undefined;
  if (id !== "" && !isToken(id ?? "")) return undefined;
  return { project: project ?? "", noun: noun ?? "", id: id ?? "", method: method ?? "" };
}

/**
 * Whom a request concerns, in a cell of whatever name: the project of a command, the host of a report or of a
 * question to a host. Undefined: the subject is none of these.
 */
export function partyOf(
  subject: string,
): { readonly kind: "cmd" | "report" | "host"; readonly party: string } | undefined {
  const [novact, version, , kind, party] = subject.split(".", 5);
  if (novact !== "novact" || version !== "v1" || party === undefined || party === "") return undefined;
  return kind === "cmd" || kind === "report" || kind === "host" ? { kind, party } : undefined;
}

/** `{id, method}` of a host's subject, a report's, or that of a holder of images; undefined: of none. */
export function parseNodeSubject(
  cell: string,
  kind: "host" | "report" | "images",
  subject: string,
): { readonly hostId: string; readonly method: string } | undefined {
  const tokens = subject.split(".");
  const [novact, version, place, found, hostId, method] = tokens;
  if (tokens.length !== 6 || novact !== "novact" || version !== "v1" || place !== cell || found !== kind)
    return undefined;
  if (hostId === undefined || method === undefined || !isToken(hostId) || !isToken(method)) return undefined;
  return { hostId, method };
}
