/**
 * Turns the mistakes in a configuration file into sentences with file and line, each saying what to write
 * instead. Pure: text in, findings out.
 */
import type { TSchema } from "@sinclair/typebox";
import { Ajv, type ErrorObject } from "ajv";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { problemOf } from "../../protocol/wire/fault-text.ts";
/** One mistake, and its line. */
export interface Finding {
  readonly line: number;
  readonly message: string;
}

/** A parsed and valid file, or all mistakes in it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly lineOf: (path: readonly (string | number)[]) => number }
  | { readonly ok: false; readonly findings: readonly Finding[] };

type Path = readonly (string | number)[];

/** Parses YAML and checks it against the schema. An empty file is an empty map. */
export function check<T>(text: string, schema: TSchema): Checked<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = [...document.errors, ...document.warnings].map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    message: `this is not YAML: ${error.message}. Compare the indentation and quotes with the lines around it.`,
  }));
  if (broken.length > 0) return { ok: false, findings: broken };
  const value: unknown = document.toJS() ?? {};
  const validate = new Ajv({ allErrors: true, strict: true, verbose: true }).compile<T>(schema);
  const lineOf = (path: Path) => lineAt(document, lines, path);
  if (validate(value)) return { ok: true, value, lineOf };
  const findings = (validate.errors ?? []).map((error) => explain(error, lineOf));
  return { ok: false, findings: findings.sort((a, b) => a.line - b.line) };
}

/**
 * The line of the node at the path: the line of its key where it has one, else of the innermost node around
 * it.
 */
function lineAt(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const start = keyStart(document, path.slice(0, length)) ?? nodeStart(document, path.slice(0, length));
    if (start !== undefined) return lines.linePos(start).line;
  }
  return 1;
}

function keyStart(document: Document, path: Path): number | undefined {
  const around = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(around)) return undefined;
  const pair = around.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)));
  return pair !== undefined && isNode(pair.key) ? pair.key.range?.[0] : undefined;
}

function nodeStart(document: Document, path: Path): number | undefined {
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

const pathOf = (pointer: string): Path =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

const nameOf = (path: Path): string => (path.length === 0 ? "the file" : path.join("."));

function explain(error: ErrorObject, lineOf: (path: Path) => number): Finding {
  const path = pathOf(error.instancePath);
  const name = nameOf(path);
  const schema = error.parentSchema as { description?: string; properties?: Record<string, unknown> };
  const write = schema.description === undefined ? "" : ` It is ${schema.description}.`;
  const found = ` Found: ${JSON.stringify(error.data)?.slice(0, 80) ?? "nothing"}.`;
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(error.params.additionalProperty);
      const known = Object.keys(schema.properties ?? {});
      const instead = nearest(key, known);
      const hint = instead === undefined ? `Use one of: ${known.join(", ")}.` : `Did you mean ${instead}?`;
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
};
const article = (type: unknown): string => articles[String(type)] ?? String(type);

/** The known key that is one or two typing errors away, or differs only in upper and lower case. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const scored = known
    .map((each) => ({ each, distance: distance(key.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= 2 ? best.each : undefined;
}

/** The Levenshtein distance of two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
