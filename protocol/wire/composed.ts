/**
 * Puts the names in a client's requests into Unicode's composed form (NFC). Keyboards and file systems write
 * the same letter in two ways, and servers take only the composed one (text.ts): so a name is found however
 * it is typed. For names alone; paths, texts and keys of metadata stay as they are.
 */
import type { TSchema } from "@sinclair/typebox";
import type { Interceptor } from "./client.ts";
import { Name } from "./schema.ts";

export const composing: Interceptor = (next) => (call) => {
  const fields: Readonly<Record<string, TSchema>> = call.method.request.properties ?? {};
  const composed = Object.entries(call.request).map(
    ([name, value]) => [name, composedBy(fields[name], value)] as const,
  );
  return next({ ...call, request: Object.fromEntries(composed) });
};

function composedBy(schema: TSchema | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => composedBy(schema?.items, one));
  return typeof value === "string" && schema?.pattern === Name.pattern ? value.normalize("NFC") : value;
}
