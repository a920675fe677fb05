/**
 * The formats of `-o`: how a command prints what it answers. Read from the command line here, and only
 * here.
 */
import { InvalidArgumentError } from "commander";
import { parseTemplate, type Template, TemplateError } from "./json-path.ts";

/** Formats that take no value of their own. */
const plainKinds = ["table", "wide", "json", "yaml", "name", "id"] as const;

export type Output =
  | { readonly kind: (typeof plainKinds)[number] }
  | { readonly kind: "jsonpath"; readonly template: Template };

/** What completion offers. */
export const outputChoices: readonly string[] = [...plainKinds, "jsonpath="];

/** @throws InvalidArgumentError with the formats that there are */
export function parseOutput(text: string): Output {
  // `-o=json` as well: the shell passes the sign on.
  const asked = text.replace(/^=/, "");
  const plain = plainKinds.find((kind) => kind === asked);
  if (plain !== undefined) return { kind: plain };
  const [, template] = /^jsonpath=(.+)$/s.exec(asked) ?? [];
  if (template === undefined)
    throw new InvalidArgumentError(`Give one of ${plainKinds.join(", ")}, jsonpath=TEMPLATE.`);
  try {
    return { kind: "jsonpath", template: parseTemplate(template) };
  } catch (thrown) {
    if (thrown instanceof TemplateError) throw new InvalidArgumentError(thrown.message);
    throw thrown;
  }
}

/** True for tables and facts, which people read; false for values, which programs read. */
export const isText = ({ kind }: Output): boolean => kind === "table" || kind === "wide";
