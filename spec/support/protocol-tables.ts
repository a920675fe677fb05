/**
 * The tables of protocol/README.md, made from the definitions, so that the document cannot lie. What a field
 * is for and no schema can say is in protocol-notes.ts.
 */
import type { TSchema } from "@sinclair/typebox";
import { Aggregate, AvailabilityZone } from "../../protocol/aggregate.ts";
import { ActorState, ControllerHalf, LoopState } from "../../protocol/controller.ts";
import { Event, eventNames } from "../../protocol/event.ts";
import { Flavor } from "../../protocol/flavor.ts";
import { Capacity, Drain, Finding, Host, Rebalance } from "../../protocol/host.ts";
import { Image, ImageDisk, ImageFile, ImageProperties } from "../../protocol/image.ts";
import { HostVerdict, Instance } from "../../protocol/instance.ts";
import { HostInventory, MachineIntent, MachineSpec, Observation } from "../../protocol/machine.ts";
import { NumaNode, NumaPlacement, NumaUse } from "../../protocol/numa.ts";
import { Operation, OperationStep } from "../../protocol/operation.ts";
import { Quota, QuotaLimits } from "../../protocol/quota.ts";
import { ServerGroup } from "../../protocol/server-group.ts";
import { ErrorAnswer, Id, Label, Metadata, Name, Path, Sha256, TimeMs } from "../../protocol/wire/schema.ts";
import type { Method, Service } from "../../protocol/wire/service.ts";
import { codes, reasons } from "../../protocol/wire/status.ts";
import { allLimits } from "./all-limits.ts";
import { clientServices, nodeServices } from "./all-services.ts";
import { limitNotes, notes } from "./protocol-notes.ts";

/** Objects that have a table of their own, and are named wherever they occur. */
const types: Readonly<Record<string, TSchema>> = {
  Instance,
  Operation,
  OperationStep,
  Event,
  Flavor,
  Image,
  ImageDisk,
  ImageFile,
  ImageProperties,
  Host,
  Capacity,
  Drain,
  Rebalance,
  NumaNode,
  NumaUse,
  Aggregate,
  AvailabilityZone,
  ServerGroup,
  Quota,
  QuotaLimits,
  HostVerdict,
  Finding,
  ControllerHalf,
  LoopState,
  ActorState,
  Error: ErrorAnswer,
};
const nodeTypes: Readonly<Record<string, TSchema>> = {
  MachineSpec,
  MachineIntent,
  Observation,
  HostInventory,
  NumaPlacement,
};

/** Small shapes that are named instead of being spelt out; explained in the document's text. */
const shapes: Readonly<Record<string, TSchema>> = {
  id: Id,
  label: Label,
  name: Name,
  path: Path,
  sha256: Sha256,
  metadata: Metadata,
};

const same = (a: TSchema, b: TSchema): boolean => JSON.stringify(a) === JSON.stringify(b);

function nameOf(schema: TSchema): string | undefined {
  const [type] = Object.entries({ ...types, ...nodeTypes }).find(([, known]) => same(known, schema)) ?? [];
  if (type !== undefined) return `[${type}](#${type.toLowerCase()})`;
  return Object.entries(shapes).find(([, known]) => same(known, schema))?.[0];
}

/** A schema in a few words; its field's name tells a time from other counts. */
function typeText(schema: TSchema, field = ""): string {
  const named = nameOf(schema);
  if (named !== undefined) return named;
  if (field.endsWith("Ms") && same(schema, TimeMs)) return "time (ms)";
  if (Array.isArray(schema.anyOf))
    return schema.anyOf.map((one: TSchema) => typeText(one, field)).join(" or ");
  if (Array.isArray(schema.enum)) return schema.enum.map((value: string) => `\`${value}\``).join(", ");
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.type === "array") return `list of ${typeText(schema.items)}`;
  if (schema.type === "object") return objectText(schema);
  if (schema.type === "integer" || schema.type === "number") return numberText(schema);
  if (schema.type === "string") return stringText(schema);
  return schema.type ?? "anything";
}

function objectText(schema: TSchema): string {
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values !== undefined) return `map of text to ${typeText(values as TSchema)}`;
  const inner = Object.entries<TSchema>(schema.properties ?? {}).map(
    ([name, field]) => `${name}${isRequired(schema, name) ? "" : "?"}: ${typeText(field, name)}`,
  );
  return `{ ${inner.join(", ")} }`;
}

function numberText({ type, minimum, maximum }: TSchema): string {
  const top = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? "" : ` to ${maximum}`;
  if (minimum === undefined) return type;
  return top === "" ? `${type}, from ${minimum}` : `${type}, ${minimum}${top}`;
}

function stringText({ minLength, maxLength, pattern }: TSchema): string {
  const length = maxLength === undefined ? "" : `, ${minLength ?? 0} to ${maxLength} characters`;
  const form = pattern === undefined ? "" : `, \`${String(pattern).replaceAll("|", "\\|")}\``;
  return `text${length}${form}`;
}

const isRequired = (schema: TSchema, field: string): boolean => (schema.required ?? []).includes(field);

function fieldTable(path: string, schema: TSchema, use: readonly [string, string]): string[] {
  const fields = Object.entries<TSchema>(schema.properties ?? {});
  if (fields.length === 0) return [`${use[0]}: none.`, ""];
  return [
    `| ${use[1]} | type | |`,
    "| --- | --- | --- |",
    ...fields.map(([name, field]) => {
      const optional = isRequired(schema, name) ? "" : " (optional)";
      return `| \`${name}\`${optional} | ${typeText(field, name)} | ${notes[`${path}.${name}`] ?? ""} |`;
    }),
    "",
  ];
}

function methodText(service: Service, [name, method]: [string, Method], subject: string): string[] {
  const path = `${service.noun}.${name}`;
  const facts = [
    method.audience === "admin" ? "project `admin` only" : "every project",
    method.mutates ? "mutates" : "reads only",
  ];
  return [
    `#### ${path}`,
    "",
    `${method.summary} *(${facts.join("; ")})*`,
    "",
    `\`${subject}\``,
    "",
    ...fieldTable(path, method.request, ["Request fields", "request"]),
    ...fieldTable(`${path}.answer`, method.answer, ["Answer fields", "answer"]),
  ];
}

function serviceText(service: Service, subjectOf: (name: string, method: Method) => string): string[] {
  const methods = Object.entries<Method>(service.methods);
  return [
    `### ${service.noun} (version ${service.version})`,
    "",
    service.summary,
    "",
    ...methods.flatMap((entry) => methodText(service, entry, subjectOf(...entry))),
  ];
}

const typeTables = (named: Readonly<Record<string, TSchema>>): string[] =>
  Object.entries(named).flatMap(([name, schema]) => [
    `### ${name}`,
    "",
    ...fieldTable(name, schema, ["Fields", "field"]),
  ]);

const entity = (method: Method): string => (method.target === "entity" ? ".<id>" : "");

/** Every generated part, by the name in its markers. */
export function generatedParts(): Readonly<Record<string, string>> {
  const parts: Readonly<Record<string, readonly string[]>> = {
    codes: [
      "| code | number | repeat it? |",
      "| --- | --- | --- |",
      ...Object.entries(codes).map(
        ([code, { http, retry }]) => `| \`${code}\` | ${http} | ${retryText[retry]} |`,
      ),
    ],
    reasons: [
      "| reason | code | what to do |",
      "| --- | --- | --- |",
      ...Object.entries(reasons).map(
        ([reason, { code, next }]) => `| \`${reason}\` | \`${code}\` | ${next} |`,
      ),
    ],
    events: [
      "| noun | events |",
      "| --- | --- |",
      ...Object.entries(eventNames).map(
        ([noun, names]) => `| \`${noun}\` | ${names.map((n) => `\`${n}\``).join(", ")} |`,
      ),
    ],
    limits: [
      "| limit | value | |",
      "| --- | --- | --- |",
      ...Object.entries(limitNotes).map(([name, note]) => `| \`${name}\` | ${limitValue(name)} | ${note} |`),
    ],
    methods: clientServices.flatMap((service) =>
      serviceText(
        service,
        (name, method) => `novact.v1.<cell>.cmd.<project>.${service.noun}${entity(method)}.${name}`,
      ),
    ),
    types: typeTables(types),
    nodes: nodeServices.flatMap((service) =>
      serviceText(
        service,
        (name) => `novact.v1.<cell>.${service.noun === "report" ? "report" : "host"}.<host id>.${name}`,
      ),
    ),
    nodeTypes: typeTables(nodeTypes),
  };
  return Object.fromEntries(Object.entries(parts).map(([name, lines]) => [name, lines.join("\n").trim()]));
}

const retryText: Readonly<Record<(typeof codes)[keyof typeof codes]["retry"], string>> = {
  never: "No: the same request fails again.",
  afterRead: "Not blindly: read the resource, then decide again.",
  backOff: "Yes, after `retryAfterMs` when the error has one; else not by a program.",
  always: "Yes: it was not executed.",
  sameRequestId: "Yes, with the same request id: it may have been executed.",
};

const limitValue = (name: string): string =>
  String(allLimits.find((limit) => limit.name === name)?.value ?? "gone");

/** Every field that a note may be about. */
export function noteTargets(): ReadonlySet<string> {
  const of = (path: string, schema: TSchema) =>
    Object.keys(schema.properties ?? {}).map((name) => `${path}.${name}`);
  const methods = [...clientServices, ...nodeServices].flatMap((service) =>
    Object.entries<Method>(service.methods).flatMap(([name, { request, answer }]) => [
      ...of(`${service.noun}.${name}`, request),
      ...of(`${service.noun}.${name}.answer`, answer),
    ]),
  );
  const objects = Object.entries({ ...types, ...nodeTypes }).flatMap(([name, schema]) => of(name, schema));
  return new Set([...methods, ...objects]);
}
