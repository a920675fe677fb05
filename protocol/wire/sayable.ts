/**
 * What of an answer can be said when not all of it can: one row that is not what the schema promises must
 * not keep anybody from reading all the others. Only for what is read; what a command answers is one thing.
 */
import type { TSchema } from "@sinclair/typebox";
import { validatorOf } from "./validate.ts";

export interface Sayable {
  readonly answer: Readonly<Record<string, unknown>>;
  /** One sentence for each entry that is missing in it: which, and why. */
  readonly leftOut: readonly string[];
}

/** The answer without the entries of its lists that break the schema; undefined when that is not enough. */
export function sayable(schema: TSchema, value: unknown): Sayable | undefined {
  if (!isMap(value)) return undefined;
  const leftOut: string[] = [];
  const fields = Object.entries(value).map(([name, field]: [string, unknown]) => {
    const list: TSchema | undefined = schema.properties?.[name];
    if (!Array.isArray(field) || list?.type !== "array") return [name, field];
    return [name, field.filter((entry: unknown) => isSayable(entry, list.items, name, leftOut))];
  });
  const answer: Sayable["answer"] = Object.fromEntries(fields);
  return leftOut.length > 0 && validatorOf(schema).accepts(answer) ? { answer, leftOut } : undefined;
}

function isSayable(entry: unknown, schema: TSchema, list: string, leftOut: string[]): boolean {
  const validator = validatorOf(schema);
  const accepted: boolean = validator.accepts(entry);
  if (accepted) return true;
  const id = isMap(entry) ? String(entry.id).slice(0, 64) : "";
  leftOut.push(`${list} ${id}: ${validator.explain(entry)}`);
  return false;
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
