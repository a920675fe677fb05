/**
 * Validators: every schema of the protocol becomes one ajv validator, compiled once and kept.
 *
 * Requests refuse unknown fields, answers and events let them pass; the schemas say so (schema.ts), not this
 * file. How messages of another version are read is in understood.ts. An error names the field, what is wrong
 * with it and what is allowed, and never repeats a value.
 */
import type { Static, TSchema } from "@sinclair/typebox";
import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from "ajv";
import { problemOf } from "./fault-text.ts";
import { legible, nameProblem } from "./text.ts";

/** Stops at the first error: a hostile body must not make the validator collect thousands. */
const ajv = new Ajv({ strict: true, verbose: true });
/** Collects all errors, for small bodies only. */
const talkativeAjv = new Ajv({ strict: true, allErrors: true, verbose: true });
/** Keywords of understood.ts; they do not affect validity. */
const readingWords = ["otherwise", "lenient"];
for (const one of [ajv, talkativeAjv]) {
  one.addVocabulary(readingWords);
  one.addKeyword({ keyword: "given", type: "string", schemaType: "string", validate: mayBeGiven });
}

const bytesExplained = 4_096;
const errorsNamed = 3;

/** The keyword `given` of schema.ts: what is wrong with a name stands in text.ts. */
function mayBeGiven(...[kind, name]: Parameters<SchemaValidateFunction>): boolean {
  const problem = nameProblem(String(name), kind === "key" ? "key" : "name");
  mayBeGiven.errors = problem === undefined ? [] : [{ keyword: "given", message: problem, params: {} }];
  return problem === undefined;
}
mayBeGiven.errors = [] as Partial<ErrorObject>[];

export interface Validator<T> {
  accepts(value: unknown): value is T;
  /** Why the value is not valid, in at most three sentences. */
  explain(value: unknown): string;
  /** The same for programs: at most three faults. */
  faults(value: unknown): readonly Fault[];
}

/** What is wrong with a field: `problem` is the rest of a sentence that the field's name begins. */
export interface Fault {
  /** The names on the way to it, with dots between them; empty: the whole value. */
  readonly field: string;
  readonly problem: string;
}

const kept = new WeakMap<TSchema, Validator<unknown>>();

/** The validator of a schema; compiled at the first call, the same one ever after. */
export function validatorOf<S extends TSchema>(schema: S): Validator<Static<S>> {
  const known = kept.get(schema);
  if (known !== undefined) return known as Validator<Static<S>>;
  const validator = compile<Static<S>>(schema);
  kept.set(schema, validator);
  return validator;
}

function compile<T>(schema: TSchema): Validator<T> {
  const check: ValidateFunction<T> = ajv.compile<T>(schema);
  let talkative: ValidateFunction | undefined;
  const faults = (value: unknown): readonly Fault[] => {
    if (check(value)) return [];
    const first = check.errors ?? [];
    if (JSON.stringify(value).length > bytesExplained) return faultsOf(first);
    talkative ??= talkativeAjv.compile(schema);
    talkative(value);
    return faultsOf(talkative.errors ?? first);
  };
  return {
    accepts: (value): value is T => check(value),
    explain: (value) => faults(value).map(sentence).join(" "),
    faults,
  };
}

export const sentence = ({ field, problem }: Fault): string =>
  field === "" ? `The body ${problem}.` : `The field ${field} ${problem}.`;

function faultsOf(errors: readonly ErrorObject[]): readonly Fault[] {
  // What stands behind these two is told by an error of its own.
  const telling = ofFittingForms(errors).filter(
    ({ keyword, params }) => keyword !== "anyOf" && keyword !== "propertyNames" && params.type !== "null",
  );
  const named = new Map<string, Fault>();
  for (const error of telling.length === 0 ? errors : telling) {
    const fault = faultOf(error);
    named.set(sentence(fault), fault);
  }
  return [...named.values()].slice(0, errorsNamed);
}

/**
 * Where a value has one of several forms, only what is wrong with those of its own type is told: whoever
 * sends a list does not want to know that a word would do.
 */
function ofFittingForms(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const formOf = ({ schemaPath }: ErrorObject) => /^(.*?\/anyOf)\/\d+/.exec(schemaPath) ?? [];
  const misfits = new Set(
    errors.flatMap((error) => {
      const [form, union] = formOf(error);
      return union !== undefined && error.schemaPath === `${form}/type` ? [form] : [];
    }),
  );
  const fitting = new Set(
    errors.flatMap((error) => {
      const [form, union] = formOf(error);
      return union === undefined || misfits.has(form) ? [] : [union];
    }),
  );
  return errors.filter((error) => {
    const [form, union] = formOf(error);
    return union === undefined || !fitting.has(union) || !misfits.has(form);
  });
}

function faultOf(error: ErrorObject): Fault {
  const { keyword, params, parentSchema } = error;
  const field = fieldOf(error);
  switch (keyword) {
    case "required":
      return { field: join(field, params.missingProperty), problem: "is missing" };
    case "additionalProperties": {
      const name = legible(String(params.additionalProperty));
      const allowed: unknown = parentSchema?.description;
      if (typeof allowed === "string")
        return { field, problem: `cannot have the key ${name}: it must be ${allowed}` };
      return { field: join(field, name), problem: `is not known${allowedFields(error)}` };
    }
    case "enum":
      return { field, problem: `must be one of ${legible(params.allowedValues.join(", "), 400)}` };
    case "type":
      return { field, problem: `must be of type ${params.type}${typeFound(error)}` };
    case "given":
      return {
        field,
        problem: `${error.schemaPath.includes("/propertyNames/") ? "has a key that " : ""}${error.message}`,
      };
    default:
      return { field, problem: problemOf(error) };
  }
}

/**
 * `/metadata/a~1b/0` to `metadata.a/b.0`. Keys come from the sender: they are made legible.
 */
function fieldOf(error: ErrorObject): string {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return path.length === 0 ? "" : legible(path.join("."));
}

const join = (field: string, name: unknown): string =>
  field === "" ? legible(String(name)) : legible(`${field}.${String(name)}`);

function allowedFields(error: ErrorObject): string {
  const properties: unknown = error.parentSchema?.properties;
  if (typeof properties !== "object" || properties === null) return "";
  const names = Object.keys(properties);
  return names.length === 0 ? "; there are none here" : `; known are ${legible(names.join(", "), 400)}`;
}

function typeFound(error: ErrorObject): string {
  const { data } = error;
  if (data === undefined) return "";
  if (data === null) return ", not null";
  return `, not ${Array.isArray(data) ? "array" : typeof data}`;
}
