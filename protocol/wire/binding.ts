/**
 * Where a service is: how the address of a call becomes a subject, and a subject an address.
 * There are three such places: commands of clients, what controllers ask of one host, and what hosts report.
 */
import { limits } from "../limits/limits.ts";
import type { Method, Service } from "./service.ts";
import { StatusError } from "./status.ts";
import {
  adminProject,
  allCommandsPattern,
  assertToken,
  commandPattern,
  commandSubject,
  hostPattern,
  hostSubject,
  parseCommandSubject,
  parseNodeSubject,
  reportPattern,
  reportSubject,
} from "./subjects.ts";

export interface Address {
  readonly project: string;
  readonly noun: string;
  /** Of the entity, or of the host; empty for a method of a collection. */
  readonly id: string;
  readonly method: string;
}

export interface Binding {
  readonly kind: "command" | "host" | "report";
  /**
   * What a server listens to. One subscription holds everything: also what nobody implements has to be
   * answered.
   */
  readonly pattern: string;
  /** Members share the work; undefined: there is exactly one. */
  readonly queue: string | undefined;
  readonly bodyBytesMax: number;
  /** @throws INVALID_ARGUMENT malformedSubject */
  subjectOf(address: Address): string;
  /** Undefined: not a subject of this kind. */
  addressOf(subject: string): Address | undefined;
  /** What one method is listened to at, for discovery. */
  patternOf(service: Service, methodName: string, method: Method): string;
}

const controllers = "novact";

/** Commands of clients: any project, any noun. */
export function commandBinding(cell: string): Binding {
  return {
    kind: "command",
    pattern: allCommandsPattern(cell),
    queue: controllers,
    bodyBytesMax: limits.bodyBytesMax,
    subjectOf: ({ project, noun, id, method }) => commandSubject(cell, project, noun, method, id),
    addressOf: (subject) => parseCommandSubject(cell, subject),
    patternOf: (service, name, { target }) => commandPattern(cell, service.noun, name, target),
  };
}

/** What controllers ask of one host. */
export function hostBinding(cell: string, hostId: string): Binding {
  return {
    kind: "host",
    pattern: hostPattern(cell, hostId),
    queue: undefined,
    bodyBytesMax: limits.answerBytesMax,
    subjectOf: ({ method }) => hostSubject(cell, hostId, method),
    addressOf: (subject) => nodeAddress(parseNodeSubject(cell, "host", subject), "host-agent"),
    patternOf: (_, name) => hostSubject(cell, hostId, name),
  };
}

/** What hosts report to controllers. A client needs the id of its host, a server hears all of them. */
export function reportBinding(cell: string, hostId?: string): Binding {
  return {
    kind: "report",
    pattern: reportPattern(cell),
    queue: controllers,
    bodyBytesMax: limits.answerBytesMax,
    subjectOf: ({ method }) => {
      if (hostId === undefined)
        throw new StatusError("malformedSubject", "A report needs the id of its host.");
      return reportSubject(cell, hostId, method);
    },
    addressOf: (subject) => nodeAddress(parseNodeSubject(cell, "report", subject), "report"),
    patternOf: (_, name) => reportPattern(cell).replace(/\*$/, assertToken(name, "method")),
  };
}

/** Nodes speak among themselves, with an operator's rights. */
function nodeAddress(
  found: { readonly hostId: string; readonly method: string } | undefined,
  noun: string,
): Address | undefined {
  return found && { project: adminProject, noun, id: found.hostId, method: found.method };
}
