/**
 * Reads messages of other versions. While a cluster is upgraded, processes of two versions work side by side.
 * Between them, unknown fields are dropped at every depth before any handler sees them, and an unknown word
 * of a growing list is taken for the word that the schema names. The rules and their reasons:
 * spec/decisions/0006-versions-side-by-side.md.
 */
import type { TSchema } from "@sinclair/typebox";
import { StatusError } from "./status.ts";
import { textFault } from "./text.ts";
import { sentence, validatorOf } from "./validate.ts";

/** The entries of lenient lists that could not be understood. */
export interface LeftOut {
  entries: number;
  /** A sentence for each of the first of them: saying what is wrong costs more than seeing that it is. */
  readonly sentences: string[];
}

export const nothingLeftOut = (): LeftOut => ({ entries: 0, sentences: [] });

const sentencesMax = 3;

/**
 * Returns the value as this version knows it, or the value itself when nothing in it was dropped. Counts in
 * `leftOut` what it left out. Whether the rest is valid is the validator's question.
 */
export type Reading = (value: unknown, leftOut: LeftOut) => unknown;

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
  if (schema.type === "array") return ofList(schema);
  if (schema.type === "object") return ofMap(schema);
  if (Array.isArray(schema.enum) && schema.otherwise !== undefined) return ofWord(schema);
  return unchanged;
}

function ofWord({ enum: words, otherwise }: TSchema): Reading {
  const known: ReadonlySet<unknown> = new Set(words);
  return (value) => (typeof value !== "string" || known.has(value) ? value : otherwise);
}

/**
 * Reads the fields of an object by name, or every value of a record whose keys are free. Copies only what
 * changes.
 */
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

function ofList({ items, lenient = false, maxItems = Number.POSITIVE_INFINITY }: TSchema): Reading {
  const reading = understood(items);
  const validator = validatorOf(items);
  if (reading === unchanged && !lenient) return unchanged;
  return (value, leftOut) => {
    if (!Array.isArray(value) || value.length > maxItems) return value;
    const read: unknown[] = [];
    for (const [index, entry] of value.entries()) {
      const understood = reading(entry, leftOut);
      if (!lenient || validator.accepts(understood)) read.push(understood);
      else leave(leftOut, () => `Entry ${index}: ${validator.explain(understood)}`);
    }
    return read.length === value.length && read.every((entry, index) => entry === value[index])
      ? value
      : read;
  };
}

function leave(leftOut: LeftOut, sentence: () => string): void {
  leftOut.entries += 1;
  if (leftOut.sentences.length < sentencesMax) leftOut.sentences.push(sentence());
}

/** Reads a union: null always passes; of several other schemas, the first that accepts the value is meant. */
function ofAlternatives(schemas: readonly TSchema[]): Reading {
  const others = schemas.filter(({ type }) => type !== "null");
  const [only] = others;
  if (only !== undefined && others.length === 1) return understood(only);
  return (value) => {
    for (const schema of others) {
      const read = understood(schema)(value, nothingLeftOut());
      if (validatorOf(schema).accepts(read)) return read;
    }
    return value;
  };
}

/**
 * A request, if it is valid. `older`: text to add to the error when unknown fields are all that is wrong.
 * @throws INVALID_ARGUMENT unknownField, schemaMismatch
 */
export function validRequest(schema: TSchema, value: unknown, older = ""): unknown {
  const validator = validatorOf(schema);
  if (validator.accepts(value)) return value;
  const isUnknownOnly = validator.accepts(understood(schema)(value, nothingLeftOut()));
  const sentences = validator.explain(value);
  const details = { faults: validator.faults(value) };
  if (isUnknownOnly) throw new StatusError("unknownField", `${sentences}${older}`, { details });
  throw new StatusError("schemaMismatch", sentences, { details });
}

/**
 * The request of a client, if all texts in it may be there: whatever its method's schema says of them, that
 * of a plug-in too. @throws INVALID_ARGUMENT malformedText
 */
export function withSoundTexts<T>(request: T): T {
  const fault = textFault(request);
  if (fault === undefined) return request;
  throw new StatusError("malformedText", sentence(fault), { details: { faults: [fault] } });
}

const opened = new WeakMap<TSchema, TSchema>();

/**
 * The schema with closed lists of words opened to any word, as a client of another version has to read it: a
 * new state must not make a whole answer unreadable.
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
