/**
 * Old and new versions side by side. A life of a process may play the version before this one: what it
 * says and hears is brought down to the fields that the snapshot of that version has, before anybody sees
 * it. Or it may play a version after this one, and say things in every map that nobody has ever heard of.
 */
import type { TSchema } from "@sinclair/typebox";
import { type AgentNeed, agentNeeds } from "../../protocol/agent-needs.ts";
import { type Binding, commandBinding, hostBinding, reportBinding } from "../../protocol/wire/binding.ts";
import { headerNames } from "../../protocol/wire/headers.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { outboxHintSubject } from "../../protocol/wire/subjects.ts";
import type { BusMessage } from "../../protocol/wire/transport.ts";
import { nothingLeftOut, understood, validRequest } from "../../protocol/wire/understood.ts";
import type { MethodShape, Snapshot } from "../versions/snapshot.ts";
import type { Random } from "./random.ts";

export const lifeVersions = ["older", "same", "newer"] as const;
export type LifeVersion = (typeof lifeVersions)[number];

export type Part = "request" | "answer";

/**
 * How often each version is lived in one run: in some much, in others hardly at all. Whoever comes back may
 * be older than before.
 */
export type VersionDraw = Readonly<Record<"controller" | "agent", () => LifeVersion>>;

export function versionsOf(random: Random): VersionDraw {
  const weights = { older: random.between(0, 1), same: random.between(0, 1), newer: random.between(0, 1) };
  const draw = () => random.weighted(weights);
  return { controller: draw, agent: draw };
}

/** Everything is of today. */
export const oneVersion: VersionDraw = { controller: () => "same", agent: () => "same" };

/** No controller is of the version before. */
export const withoutOlder = ({ controller, agent }: VersionDraw): VersionDraw => ({
  controller: () => (controller() === "newer" ? "newer" : "same"),
  agent,
});

/** Needs of guests that agents of the version before did not know. */
const newNeeds: readonly AgentNeed[] = ["binding", "configDrive"];

/** What an agent of that version understands of the needs of guests. */
export const knownBy = (version: LifeVersion): readonly AgentNeed[] =>
  version === "older" ? agentNeeds.filter((need) => !newNeeds.includes(need)) : agentNeeds;

/** A method as each version has it. */
interface Both {
  readonly present: MethodShape | undefined;
  readonly previous: MethodShape | undefined;
  readonly peers: boolean;
  /** Whether the part differs between the versions; an equal part is passed on as it is. */
  readonly differs: Readonly<Record<Part, boolean>>;
}

export class Versions {
  readonly #methods = new Map<string, Both>();
  readonly #bindings: readonly Binding[];
  readonly #hints: string;

  constructor(cell: string, present: Snapshot, previous: Snapshot) {
    this.#bindings = [commandBinding(cell), hostBinding(cell, "any"), reportBinding(cell)];
    this.#hints = outboxHintSubject(cell);
    for (const [noun, { methods, peers }] of [...Object.entries(previous), ...Object.entries(present)])
      for (const name of Object.keys(methods))
        this.#methods.set(`${noun}.${name}`, {
          ...both(present[noun]?.methods[name], previous[noun]?.methods[name]),
          peers,
        });
  }

  /** What leaves a process of that version. */
  said(version: LifeVersion, subject: string, part: Part, message: BusMessage): BusMessage {
    if (version === "same") return message;
    const method = this.#methodAt(subject);
    if (version === "older") return asOlder(method, part, message);
    const schema = method?.present?.[part];
    if (schema === undefined) return subject === this.#hints ? changed(message, withUnheardOf) : message;
    // A field that a server of today does not know is a mistake of its client; peers must bear it.
    if (part === "request" && method?.peers !== true) return message;
    return changed(message, isError(message) ? withUnheardOf : (body) => grown(schema, body));
  }

  /** The message as a process of that version reads it, or its refusal of an unknown method or field. */
  heard(version: LifeVersion, subject: string, part: Part, message: BusMessage): BusMessage | StatusError {
    const method = version === "older" ? this.#methodAt(subject) : undefined;
    if (method === undefined) return message;
    const { previous, peers, differs } = method;
    if (previous === undefined)
      return new StatusError("unknownMethod", "A process of the version before has no such method.");
    if (part === "request" && !peers && differs.request) {
      const unknown = unknownFieldIn(previous.request, bodyOf(message));
      if (unknown !== undefined) return unknown;
    }
    return asOlder(method, part, message);
  }

  /** The same for what stayed where both versions read it: fields of what the method is asked. */
  kept(version: LifeVersion, method: string, content: object): object {
    const asked = this.#methods.get(method)?.previous?.request;
    if (version !== "older" || asked === undefined) return content;
    const entries = Object.entries(content).map(([field, value]: [string, unknown]) => {
      const schema: TSchema | undefined = asked.properties[field];
      return [field, schema === undefined ? value : understood(schema)(value, nothingLeftOut())] as const;
    });
    return Object.fromEntries(entries);
  }

  #methodAt(subject: string): Both | undefined {
    for (const binding of this.#bindings) {
      const address = binding.addressOf(subject);
      if (address !== undefined) return this.#methods.get(`${address.noun}.${address.method}`);
    }
    return undefined;
  }
}

function both(present: MethodShape | undefined, previous: MethodShape | undefined) {
  const differs = (part: Part): boolean =>
    JSON.stringify(present?.[part]) !== JSON.stringify(previous?.[part]);
  return { present, previous, differs: { request: differs("request"), answer: differs("answer") } };
}

function asOlder(method: Both | undefined, part: Part, message: BusMessage): BusMessage {
  const schema = method?.previous?.[part];
  if (schema === undefined || method?.differs[part] !== true || isError(message)) return message;
  return changed(message, (body) => understood(schema)(body, nothingLeftOut()));
}

const isError = ({ headers }: BusMessage): boolean => headerNames.code in headers;

/** The older server's refusal of an unknown field; every other refusal is left to the real server. */
function unknownFieldIn(schema: TSchema, body: unknown): StatusError | undefined {
  try {
    validRequest(schema, body, " The server is older than its client.");
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown;
    return thrown.reason === "unknownField" ? thrown : undefined;
  }
}

/** The simulated cell speaks JSON. */
function bodyOf({ body }: BusMessage): unknown {
  return body.length === 0 ? {} : JSON.parse(new TextDecoder().decode(body));
}

function changed(message: BusMessage, change: (body: unknown) => unknown): BusMessage {
  const body = new TextEncoder().encode(JSON.stringify(change(bodyOf(message))));
  return { headers: message.headers, body };
}

const withUnheardOf = (body: unknown): unknown => ({ ...(body as object), unheardOf: [{ of: 1 }] });

/** A field more in every map that has fields, at every depth; a map of things is left alone. */
function grown(schema: TSchema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => grown(schema.items ?? {}, entry));
  if (typeof value !== "object" || value === null) return value;
  const [only] = (schema.anyOf ?? [schema]).filter((one: TSchema) => one.properties !== undefined);
  if (only === undefined) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    grown(only.properties[name] ?? {}, field),
  ]);
  return withUnheardOf(Object.fromEntries(fields));
}
