/**
 * Where a request may hold text, by its schema: every field, entry of a list, key and value of a map, of
 * whatever method; and a sound request with one of these texts exchanged.
 */
import type { TSchema } from "@sinclair/typebox";
import { sampleOf } from "./samples.ts";

export interface TextPlace {
  /** Names on the way; a number is a place in a list. */
  readonly path: readonly (string | number)[];
  /** The text is the key at the end of the path. */
  readonly isKey: boolean;
  readonly schema: TSchema;
}

/** The key under which a map holds the text of a place. */
const mapKey = "key";

export function textPlaces(schema: TSchema, path: TextPlace["path"] = []): readonly TextPlace[] {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.flatMap((one: TSchema) => textPlaces(one, path));
  if (schema.type === "string" && schema.enum === undefined) return [{ path, isKey: false, schema }];
  if (schema.type === "array") return textPlaces(schema.items, [...path, 0]);
  const [things] = Object.values<TSchema>(schema.patternProperties ?? {});
  if (things !== undefined)
    return [{ path: [...path, mapKey], isKey: true, schema }, ...textPlaces(things, [...path, mapKey])];
  return Object.entries<TSchema>(schema.properties ?? {}).flatMap(([name, field]) =>
    textPlaces(field, [...path, name]),
  );
}

/** A request that is sound but for the text at this place. */
export function requestWith(schema: TSchema, { path, isKey }: TextPlace, text: string): object {
  const [last, before] = [path.at(-1) ?? "", path.slice(0, -1)];
  const inner = isKey ? { [text]: "value" } : typeof last === "number" ? [text] : { [last]: text };
  const whole = before.reduceRight<unknown>(
    (value, name) => (typeof name === "number" ? [value] : { [name]: value }),
    inner,
  );
  return { ...sampleOf(schema), ...(whole as object) };
}
