/**
 * Tables of methods and their fields, as text in Markdown, made from definitions: of our own services for
 * protocol/README.md, and of those of plug-ins for their authors' documents. Pure.
 */
import type { TSchema } from "@sinclair/typebox";
import {
  GivenMetadata,
  given,
  Id,
  Label,
  Metadata,
  Name,
  Path,
  Sha256,
  TimeMs,
} from "../../protocol/wire/schema.ts";
import type { Method, Service } from "../../protocol/wire/service.ts";

/** Small shapes that are named instead of being spelt out. */
const shapes: Readonly<Record<string, TSchema>> = {
  ...{ id: Id, label: Label, name: Name, path: Path, sha256: Sha256, metadata: Metadata },
  ...{ "new label": given(Label), "new name": given(Name), "new metadata": GivenMetadata },
};

/** What is known beside the definitions. */
export interface TableContext {
  /** Objects that have a table of their own, and are named wherever they occur. */
  readonly types: Readonly<Record<string, TSchema>>;
  /** What a field is for, by its path, as `instance.create.name`. Absent: what its schema says. */
  readonly notes?: Readonly<Record<string, string>>;
  readonly subjectOf: (service: Service, name: string, method: Method) => string;
}

const same = (a: TSchema, b: TSchema): boolean => JSON.stringify(a) === JSON.stringify(b);

function nameOf(schema: TSchema, { types }: TableContext): string | undefined {
  const [type] = Object.entries(types).find(([, known]) => same(known, schema)) ?? [];
  if (type !== undefined) return `[${type}](#${type.toLowerCase()})`;
  return Object.entries(shapes).find(([, known]) => same(known, schema))?.[0];
}

/** A schema in a few words; its field's name tells a time from other counts. */
function typeText(schema: TSchema, context: TableContext, field = ""): string {
  const named = nameOf(schema, context);
  if (named !== undefined) return named;
  if (field.endsWith("Ms") && same(schema, TimeMs)) return "time (ms)";
  if (Array.isArray(schema.anyOf))
    return schema.anyOf.map((one: TSchema) => typeText(one, context, field)).join(" or ");
  if (Array.isArray(schema.enum)) return schema.enum.map((value: string) => `\`${value}\``).join(", ");
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.type === "array") return `list of ${typeText(schema.items, context)}`;
  if (schema.type === "object") return objectText(schema, context);
  if (schema.type === "integer" || schema.type === "number") return numberText(schema);
  if (schema.type === "string") return stringText(schema);
  return schema.type ?? "anything";
}

function objectText(schema: TSchema, context: TableContext): string {
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values !== undefined) return `map of text to ${typeText(values as TSchema, context)}`;
  const inner = Object.entries<TSchema>(schema.properties ?? {}).map(
    ([name, field]) => `${name}${isRequired(schema, name) ? "" : "?"}: ${typeText(field, context, name)}`,
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

/** The fields of an object. `use`: what stands where there are none, and the head of the first column. */
export function fieldTable(
  path: string,
  schema: TSchema,
  use: readonly [string, string],
  context: TableContext,
): string[] {
  const fields = Object.entries<TSchema>(schema.properties ?? {});
  if (fields.length === 0) return [`${use[0]}: none.`, ""];
  const noteOf = (name: string, field: TSchema): string => {
    if (context.notes !== undefined) return context.notes[`${path}.${name}`] ?? "";
    return nameOf(field, context) === undefined ? (field.description ?? "") : "";
  };
  return [
    `| ${use[1]} | type | |`,
    "| --- | --- | --- |",
    ...fields.map(([name, field]) => {
      const optional = isRequired(schema, name) ? "" : " (optional)";
      return `| \`${name}\`${optional} | ${typeText(field, context, name)} | ${noteOf(name, field)} |`;
    }),
    "",
  ];
}

function methodText(service: Service, [name, method]: [string, Method], context: TableContext): string[] {
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
    `\`${context.subjectOf(service, name, method)}\``,
    "",
    ...fieldTable(path, method.request, ["Request fields", "request"], context),
    ...fieldTable(`${path}.answer`, method.answer, ["Answer fields", "answer"], context),
  ];
}

export function serviceText(service: Service, context: TableContext): string[] {
  const methods = Object.entries<Method>(service.methods);
  return [
    `### ${service.noun} (version ${service.version})`,
    "",
    service.summary,
    "",
    ...methods.flatMap((entry) => methodText(service, entry, context)),
  ];
}

/** Of a client's method, as protocol/wire/subjects.ts makes it. */
export const commandSubject = ({ noun }: Service, name: string, { target }: Method): string =>
  `novact.v1.<cell>.cmd.<project>.${noun}${target === "entity" ? ".<id>" : ""}.${name}`;
