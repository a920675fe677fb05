/**
 * Turns the mistakes in a configuration file into sentences with their lines, each saying what to write
 * instead. Pure: text in, findings out.
 */
import type { TSchema } from "@sinclair/typebox";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { problemOf } from "../../protocol/wire/fault-text.ts";
import { didYouMean, nearest } from "../../protocol/wire/nearest.ts";
import { type Finding, type LineOf, type Path, readYaml } from "./yaml.ts";

export type { Finding, LineOf } from "./yaml.ts";

/** A parsed and valid file, or all mistakes in it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly lineOf: LineOf }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * Parses YAML and checks it against the schema. An empty file is an empty map. `prepared`: what is checked in
 * place of the file's value, with the same paths.
 */
export function check<T>(
  text: string,
  schema: TSchema,
  prepared: (value: unknown) => unknown = (value) => value,
): Checked<T> {
  const read = readYaml(text);
  if (!read.ok) return read;
  const { lineOf } = read;
  const value = prepared(read.value);
  const findings = findingsAt(value, { schema, path: [], lineOf });
  if (findings.length === 0) return { ok: true, value: value as T, lineOf };
  return { ok: false, findings };
}

/** What is wrong with a part of a file, at the path, by a schema of its own. */
export function findingsAt(
  value: unknown,
  { schema, path, lineOf }: { readonly schema: TSchema; readonly path: Path; readonly lineOf: LineOf },
): readonly Finding[] {
  const validate = wholes.of(schema);
  if (validate(value)) return [];
  const findings = (validate.errors ?? []).map((error) => explain(error, path, lineOf));
  return findings.sort((a, b) => a.line - b.line);
}

/** The sentence about an unknown name, with the known name that was probably meant. */
export function unknownName(path: Path, name: unknown, known: readonly string[]): string {
  const hint = typeof name === "string" ? didYouMean(name, known) : "";
  return `${nameOf(path)} must be one of: ${known.join(", ")}.${foundOf(name)}${hint}`;
}

/** Validators, each made once: there may be a thousand nodes, and making one takes some milliseconds. */
class Validators<T> {
  readonly #made = new WeakMap<TSchema, ValidateFunction<T>>();
  readonly #make: (schema: TSchema) => ValidateFunction<T>;

  constructor(make: (schema: TSchema) => ValidateFunction<T>) {
    this.#make = make;
  }

  /** @throws Error when it is no schema */
  of(schema: TSchema): ValidateFunction<T> {
    const known = this.#made.get(schema);
    if (known !== undefined) return known;
    const made = this.#make(schema);
    this.#made.set(schema, made);
    return made;
  }
}

const strictly = { allErrors: true, strict: true, verbose: true } as const;
const wholes = new Validators((schema) => new Ajv(strictly).compile(schema));
const parts = new Validators((schema) =>
  new Ajv({ ...strictly, useDefaults: true }).compile<PartOfFile["value"]>({
    ...{ additionalProperties: false },
    ...schema,
  }),
);

/** A part of a file, and where it stands there. */
export interface PartOfFile {
  readonly value: Readonly<Record<string, unknown>>;
  readonly at: Path;
  readonly lineOf: LineOf;
}

/**
 * Checks a part of a file by somebody else's schema, as `check` does; its defaults are filled in. Keys that
 * the schema does not know are mistakes, unless it says otherwise. @throws Error when it is no schema
 */
export function checkPart({ value, at, lineOf }: PartOfFile, schema: TSchema): Checked<PartOfFile["value"]> {
  const whole = structuredClone(value);
  const validate = parts.of(schema);
  if (validate(whole)) return { ok: true, value: whole, lineOf };
  const findings = (validate.errors ?? []).map((error) => explain(error, at, lineOf));
  return { ok: false, findings: findings.sort((a, b) => a.line - b.line) };
}

const pathOf = (pointer: string): Path =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

const nameOf = (path: Path): string => (path.length === 0 ? "the file" : path.join("."));

/** NaN and the infinities are no numbers of JSON, which has `null` for them. */
const foundOf = (data: unknown): string =>
  ` Found: ${(typeof data === "number" ? String(data) : JSON.stringify(data))?.slice(0, 80) ?? "nothing"}.`;

/** Keys below which values may be secrets, or have one in them: of these a message says the kind alone. */
const secretive: ReadonlySet<unknown> = new Set(["options", "power"]);

const kindOf = (data: unknown): string =>
  article(data === null ? "null" : Array.isArray(data) ? "array" : typeof data);

function explain(error: ErrorObject, around: Path, lineOf: LineOf): Finding {
  const path = [...around, ...pathOf(error.instancePath)];
  const name = nameOf(path);
  const schema = error.parentSchema as { description?: string; properties?: Record<string, unknown> };
  const write = schema.description === undefined ? "" : ` It is ${schema.description}.`;
  const isSecretive = path.some((key) => secretive.has(key));
  const found = isSecretive ? ` Found: ${kindOf(error.data)}.` : foundOf(error.data);
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(error.params.additionalProperty);
      const known = Object.keys(schema.properties ?? {});
      const instead = nearest(key, known);
      const all = known.length === 0 ? "It has none." : `Use one of: ${known.join(", ")}.`;
      const hint = instead === undefined ? all : `Did you mean ${instead}?`;
      return {
        line: lineOf([...path, key]),
        message: `${nameOf([...path, key])} is not a known key. ${hint}`,
      };
    }
    case "required":
      return {
        line: lineOf(path),
        message: `${name} lacks the key ${String(error.params.missingProperty)}. Add it.`,
      };
    case "type":
      return {
        line: lineOf(path),
        message: `${name} must be ${article(error.params.type)}.${found}${write}`,
      };
    case "enum": {
      const allowed = (error.params.allowedValues as readonly unknown[]).join(", ");
      return { line: lineOf(path), message: `${name} must be one of: ${allowed}.${found}${write}` };
    }
    default: {
      const problem = problemOf(error);
      const more = problem.includes(schema.description ?? problem) ? "" : write;
      return { line: lineOf(path), message: `${name} ${problem}.${found}${more}` };
    }
  }
}

const articles: Readonly<Record<string, string>> = {
  integer: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  object: "a map of keys",
  array: "a list",
  null: "nothing",
};
const article = (type: unknown): string => articles[String(type)] ?? String(type);
