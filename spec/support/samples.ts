/**
 * A request that a method accepts, made from its schema alone: what must be given and nothing else. A text
 * that follows a rule which no schema says has an example in its schema.
 */
import type { TSchema } from "@sinclair/typebox";

interface Plain {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly TSchema[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, TSchema>>;
}

/** @throws Error for a schema of which nothing is known */
export function sampleOf(schema: TSchema): Readonly<Record<string, unknown>> {
  const { properties = {}, required = [] } = schema as Plain;
  return Object.fromEntries(required.map((name) => [name, sampleValue(properties[name])]));
}

function sampleValue(schema: TSchema | undefined): unknown {
  const { type, examples, anyOf, minimum, ...rest } = (schema ?? {}) as Plain;
  if (examples?.[0] !== undefined) return examples[0];
  if (rest.enum?.[0] !== undefined) return rest.enum[0];
  if (anyOf !== undefined) return sampleValue(anyOf[0]);
  switch (type) {
    case "string":
      return "sample";
    case "integer":
    case "number":
      return minimum ?? 0;
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return schema === undefined ? {} : sampleOf(schema);
    default:
      return null;
  }
}
