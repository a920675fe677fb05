/**
 * Bindings: the subject of a call's address, and the address in a subject. There are three kinds: clients'
 * commands, controllers' requests to one host, and hosts' reports.
 */
import { reportLimits } from "../limits/report.ts";
import { wireLimits } from "../limits/wire.ts";
import type { Method, Service } from "./service.ts";
import { StatusError } from "./status.ts";
import {
  adminProject,
  allCommandsPattern,
  assertToken,
  commandPattern,
  commandSubject,
  commandSubjectStart,
  hostPattern,
  hostSubject,
  imageHolderPattern,
  imageHolderSubject,
  parseCommandSubject,
  parseNodeSubject,
  projectCommandsPattern,
  reportPattern,
  reportSubject,
  reportSubjectStart,
  tokenBehind,
} from "./subjects.ts";

export interface Address {
  readonly project: string;
  readonly noun: string;
  /** Id of the entity or of the host; empty for a method of a collection. */
  readonly id: string;
  readonly method: string;
}

export interface Binding {
  readonly kind: "command" | "host" | "report";
  /**
   * The subject pattern that a server subscribes to. One subscription covers all methods, since a method that
   * nobody implements has to be answered as well.
   */
  readonly pattern: string;
  /** The part of that pattern whose messages are one project's; only commands are told apart like this. */
  patternFor?(project: string): string;
  /** The queue group whose members share the requests; undefined: exactly one server listens. */
  readonly queue: string | undefined;
  readonly bodyBytesMax: number;
  /** @throws INVALID_ARGUMENT malformedSubject */
  subjectOf(address: Address): string;
  /** The address in a subject; undefined when the subject is not of this kind. */
  addressOf(subject: string): Address | undefined;
  /**
   * Whose budget and share a message with this subject counts on: its project's, or its host's.
   * Undefined: it names none. Cheap; the subject may still be malformed behind that.
   */
  shareOf(subject: string): string | undefined;
  /** The subject pattern of one method, for discovery. */
  patternOf(service: Service, methodName: string, method: Method): string;
}

const controllers = "novact";
/** The end of the subject of a lease's renewal. */
const leaseEnd = ".lease";
const consoleEnd = ".console";

/** Commands of clients: any project, any noun. */
export function commandBinding(cell: string): Binding {
  const start = commandSubjectStart(cell);
  return {
    kind: "command",
    pattern: allCommandsPattern(cell),
    patternFor: (project) => projectCommandsPattern(cell, project),
    queue: controllers,
    bodyBytesMax: wireLimits.bodyBytesMax,
    subjectOf: ({ project, noun, id, method }) => commandSubject(cell, project, noun, method, id),
    addressOf: (subject) => parseCommandSubject(cell, subject),
    shareOf: (subject) => tokenBehind(start, subject),
    patternOf: (service, name, { target }) => commandPattern(cell, service.noun, name, target),
  };
}

/** Requests of controllers to one host. */
export function hostBinding(cell: string, hostId: string): Binding {
  return {
    kind: "host",
    pattern: hostPattern(cell, hostId),
    queue: undefined,
    bodyBytesMax: wireLimits.answerBytesMax,
    subjectOf: ({ method }) => hostSubject(cell, hostId, method),
    addressOf: (subject) => nodeAddress(parseNodeSubject(cell, "host", subject), "host-agent"),
    // Only controllers ask hosts: all together have one share, and one for what clients wait for there.
    shareOf: (subject) => (subject.endsWith(consoleEnd) ? controllers + consoleEnd : controllers),
    patternOf: (_, name) => hostSubject(cell, hostId, name),
  };
}

/** Requests of controllers to the one that has the bytes of an image, by its name in tickets. */
export function imageHolderBinding(cell: string, server: string): Binding {
  return {
    kind: "host",
    pattern: imageHolderPattern(cell, server),
    queue: undefined,
    bodyBytesMax: wireLimits.answerBytesMax,
    subjectOf: ({ method }) => imageHolderSubject(cell, server, method),
    addressOf: (subject) => nodeAddress(parseNodeSubject(cell, "images", subject), "image-holder"),
    shareOf: () => controllers,
    patternOf: (_, name) => imageHolderSubject(cell, server, name),
  };
}

/** Reports of hosts to controllers. A client needs the id of its host; a server hears all hosts. */
export function reportBinding(cell: string, hostId?: string): Binding {
  const start = reportSubjectStart(cell);
  return {
    kind: "report",
    pattern: reportPattern(cell),
    queue: controllers,
    bodyBytesMax: reportLimits.reportBytesMax,
    subjectOf: ({ method }) => {
      if (hostId === undefined)
        throw new StatusError("malformedSubject", "A report needs the id of its host.");
      return reportSubject(cell, hostId, method);
    },
    addressOf: (subject) => nodeAddress(parseNodeSubject(cell, "report", subject), "report"),
    // Whatever a host reports, the renewals of its lease have a share of their own.
    shareOf: (subject) => {
      const host = tokenBehind(start, subject);
      return host !== undefined && subject.endsWith(leaseEnd) ? host + leaseEnd : host;
    },
    patternOf: (_, name) => reportPattern(cell).replace(/\*$/, assertToken(name, "method")),
  };
}

/** The address of a message between nodes, which have an operator's rights. */
function nodeAddress(
  found: { readonly hostId: string; readonly method: string } | undefined,
  noun: string,
): Address | undefined {
  return found && { project: adminProject, noun, id: found.hostId, method: found.method };
}
