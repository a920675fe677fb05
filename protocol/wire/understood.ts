/**
 * What this version understands of what another one says. While a cluster is upgraded, processes of two
 * versions work side by side: between them unknown fields are dropped at every depth before anybody sees
 * them, and values that were added to a list mean what the schema says an older reader takes them for.
 * The rules and their reasons: spec/decisions/0006-versions-side-by-side.md.
 */
import type { TSchema } from "@sinclair/typebox";
import { StatusError } from "./status.ts";
import { validatorOf } from "./validate.ts";

/**
 * The value as this version knows it; the value itself when there is nothing in it to drop. `leftOut`
 * takes one sentence for each entry of a lenient list that could not be understood. Whether the rest is
 * right is the validator's question.
 */
export type Reading = (value: unknown, leftOut: string[]) => unknown;

const unchanged: Reading = (value) => value;
const readings = new WeakMap<TSchema, Reading>();

/** The reading of a schema; compiled at the first call, the same one ever after. */
export function understood(schema: TSchema): Reading {
  const known = readings.get(schema);
  if (known !== undefined) return known;
  const reading = compile(schema);
  readings.set(schema, reading);
  return reading;
}

function compile(schema: TSchema): Reading {
  if (Array.isArray(schema.anyOf)) return ofAlternatives(schema.anyOf);
  if (schema.type === "array") return ofList(schema.items, schema.lenient === true);
  if (schema.type === "object") return ofMap(schema);
  if (Array.isArray(schema.enum) && schema.otherwise !== undefined) return ofWord(schema);
  return unchanged;
}

function ofWord({ enum: words, otherwise }: TSchema): Reading {
  const known: ReadonlySet<unknown> = new Set(words);
  return (value) => (typeof value !== "string" || known.has(value) ? value : otherwise);
}

/** Fields by name; in a map of things, whatever their names are, every value. Copies only what changes. */
function ofMap(schema: TSchema): Reading {
  const fields = Object.entries<TSchema>(schema.properties ?? {});
  const [things] = Object.values<TSchema>(schema.patternProperties ?? {});
  if (schema.properties === undefined) return things === undefined ? unchanged : ofThings(understood(things));
  const known = new Set(fields.map(([name]) => name));
  const inner = fields
    .map(([name, field]) => [name, understood(field)] as const)
    .filter(([, reading]) => reading !== unchanged);
  return (value, leftOut) => {
    if (!isMap(value)) return value;
    let read = value;
    if (!Object.keys(value).every((name) => known.has(name)))
      read = Object.fromEntries(Object.entries(value).filter(([name]) => known.has(name)));
    for (const [name, reading] of inner) {
      const field = value[name];
      const understood = reading(field, leftOut);
      if (understood !== field) read = { ...read, [name]: understood };
    }
    return read;
  };
}

function ofThings(reading: Reading): Reading {
  if (reading === unchanged) return unchanged;
  return (value, leftOut) => {
    if (!isMap(value)) return value;
    const read = Object.entries(value).map(([name, thing]) => [name, reading(thing, leftOut)] as const);
    return read.every(([name, thing]) => thing === value[name]) ? value : Object.fromEntries(read);
  };
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function ofList(items: TSchema, lenient: boolean): Reading {
  const reading = understood(items);
  const validator = validatorOf(items);
  if (reading === unchanged && !lenient) return unchanged;
  return (value, leftOut) => {
    if (!Array.isArray(value)) return value;
    const read: unknown[] = [];
    for (const [index, entry] of value.entries()) {
      const understood = reading(entry, leftOut);
      if (!lenient || validator.accepts(understood)) read.push(understood);
      else leftOut.push(`Entry ${index}: ${validator.explain(understood)}`);
    }
    return read.length === value.length && read.every((entry, index) => entry === value[index])
      ? value
      : read;
  };
}

/** Null passes every reading; of several others, the first that fits is meant. */
function ofAlternatives(schemas: readonly TSchema[]): Reading {
  const others = schemas.filter(({ type }) => type !== "null");
  const [only] = others;
  if (only !== undefined && others.length === 1) return understood(only);
  return (value) => {
    for (const schema of others) {
      const read = understood(schema)(value, []);
      if (validatorOf(schema).accepts(read)) return read;
    }
    return value;
  };
}

/**
 * A request, in which nothing may be wrong. `older`: what to add when its fields are all that is wrong.
 * @throws INVALID_ARGUMENT unknownField, schemaMismatch
 */
export function validRequest(schema: TSchema, value: unknown, older = ""): unknown {
  const validator = validatorOf(schema);
  if (validator.accepts(value)) return value;
  const isUnknownOnly = validator.accepts(understood(schema)(value, []));
  const sentences = validator.explain(value);
  if (isUnknownOnly) throw new StatusError("unknownField", `${sentences}${older}`);
  throw new StatusError("schemaMismatch", sentences);
}

const opened = new WeakMap<TSchema, TSchema>();

/**
 * The schema as a client of another version reads it: a closed list of words may have grown, so that any word
 * will do. A new state must not make a whole answer unreadable.
 */
export function openWords(schema: TSchema): TSchema {
  const known = opened.get(schema);
  if (known !== undefined) return known;
  const open = JSON.parse(JSON.stringify(schema), (_, part: unknown) =>
    isWord(part) ? { type: "string" } : part,
  );
  opened.set(schema, open as TSchema);
  return open as TSchema;
}

const isWord = (part: unknown): boolean =>
  typeof part === "object" && part !== null && "enum" in part && Array.isArray(part.enum) && "type" in part;
