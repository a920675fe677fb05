/**
 * Saves the readable part of an answer that breaks its schema: one bad row must not keep anybody from reading
 * all other rows. For answers to reads only; the answer to a command is taken or refused as a whole.
 */
import type { TSchema } from "@sinclair/typebox";
import { validatorOf } from "./validate.ts";

export interface Sayable {
  readonly answer: Readonly<Record<string, unknown>>;
  /** One sentence for each entry that was left out, naming the entry and the fault. */
  readonly leftOut: readonly string[];
}

/**
 * The answer without those entries of its lists that break the schema; undefined when that does not make it
 * valid.
 */
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
