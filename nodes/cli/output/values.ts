/**
 * Prints values for programs, in the format that was asked for. On a terminal nothing of it may steer the
 * terminal: names and messages in it are of users, hosts and guests.
 */
import { seenJson } from "../../../protocol/wire/text.ts";
import { plain, type Stream } from "../terminal.ts";
import type { Output } from "./formats.ts";
import { fillTemplate } from "./json-path.ts";

/** Writes a value as YAML. */
export type Yaml = (value: unknown) => string;

/** Loaded only where YAML is asked for: it would cost every command some tens of milliseconds. */
export async function loadYaml(): Promise<Yaml> {
  const { stringify } = await import("yaml");
  return (value) => stringify(value, { lineWidth: 0 });
}

export interface Format {
  readonly output: Output;
  /** There for the format YAML. */
  readonly yaml: Yaml | undefined;
}

/** Prints one value, with a line feed at its end. */
export function writeValue(out: Stream, format: Format, value: unknown): void {
  const text = textOf(format, value);
  const shown = out.isTTY === true ? text.split("\n").map(harmlessLine).join("\n") : text;
  if (shown !== "") out.write(shown.endsWith("\n") ? shown : `${shown}\n`);
}

function textOf({ output, yaml }: Format, value: unknown): string {
  switch (output.kind) {
    case "yaml":
      return `---\n${(yaml ?? JSON.stringify)(value)}`;
    case "jsonpath":
      return fillTemplate(output.template, value);
    case "name":
    case "id":
      return labels(value, output.kind).join("\n");
    default:
      return jsonOf(value);
  }
}

/** A value as one line of JSON that can be looked at, also where a pipe ends at a terminal. */
export const jsonOf = (value: unknown): string => seenJson(JSON.stringify(value));

/** A line without control characters; its tabs and spaces stay, which `plain` would join. */
const harmlessLine = (line: string): string => line.replace(/[^ \t]+/gu, plain);

/**
 * Names or ids of a list's items, of each value in an array, or of one value: its own, else those of the
 * thing in it (`instance` of a changed instance). What has no name is called by its id.
 */
function labels(value: unknown, kind: "name" | "id"): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one: unknown) => labels(one, kind));
  if (typeof value !== "object" || value === null) return [];
  const fields = new Map<string, unknown>(Object.entries(value));
  const items = fields.get("items");
  if (Array.isArray(items)) return labels(items, kind);
  const own = [kind, "name", "id"].map((key) => fields.get(key)).find((one) => typeof one === "string");
  if (typeof own === "string") return [own];
  const inner = [...fields.values()].find((one) => typeof one === "object" && one !== null);
  return inner === undefined ? [] : labels(inner, kind);
}
