/** Options made from the fields of a method's request: one for each, with what may be typed. Pure. */
import { type TSchema, Type } from "@sinclair/typebox";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Method } from "../../../protocol/wire/service.ts";

interface Field {
  readonly name: string;
  readonly schema: TSchema;
  readonly required: boolean;
}

/** The fields of a request, without those that are typed otherwise. */
function fieldsOf({ request }: Method, without: readonly string[]): readonly Field[] {
  const { properties = {}, required = [] } = request as {
    readonly properties?: Readonly<Record<string, TSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).flatMap(([name, schema]) =>
    without.includes(name) ? [] : [{ name, schema, required: required.includes(name) }],
  );
}

/** `fromMs` as `from-ms`. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Adds an option for each field of the method's request. */
export function addFieldOptions(command: Command, method: Method, without: readonly string[]): void {
  for (const { name, schema, required } of fieldsOf(method, without)) {
    const { description } = schema as { readonly description?: string };
    const words = wordsOf(schema);
    const option = new Option(`--${kebab(name)} <${words.value}>`, description ?? words.help);
    if (words.choices !== undefined) option.choices(words.choices);
    option.argParser(words.parse);
    if (required) option.makeOptionMandatory();
    command.addOption(option);
  }
}

/** The request that the options say. Options of the command that are no fields are left out. */
export function requestIn(
  options: Readonly<Record<string, unknown>>,
  method: Method,
  without: readonly string[],
): Record<string, unknown> {
  const given = fieldsOf(method, without).flatMap(({ name }) => {
    const value = options[name];
    return value === undefined ? [] : [[name, value === noValue ? null : value] as const];
  });
  return Object.fromEntries(given);
}

/** Commander cannot keep a null. */
const noValue = Symbol("none");

interface Words {
  readonly value: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly parse: (text: string, before: unknown) => unknown;
}

type Shape = TSchema & {
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Shape;
  readonly type?: string;
};

function wordsOf(schema: Shape): Words {
  const { anyOf = [] } = schema;
  const others = anyOf.filter(({ type }) => type !== "null");
  const [only] = others;
  if (anyOf.length > others.length && only !== undefined) {
    const inner = wordsOf(others.length === 1 ? only : Type.Union([...others]));
    const { choices: _, ...rest } = inner;
    const parse = (text: string, before: unknown) => (text === "none" ? noValue : inner.parse(text, before));
    return { ...rest, help: `${inner.help}; none: without`, parse };
  }
  const choices = choicesOf(schema);
  if (choices !== undefined) return { value: "word", help: "one of these", choices, parse: chosen(choices) };
  return plainWords(schema);
}

function plainWords({ type, items }: Shape): Words {
  switch (type) {
    case "string":
      return { value: "text", help: "a text", parse: (text) => text };
    case "integer":
    case "number":
      return { value: "n", help: "a number", parse: numberIn };
    case "boolean": {
      const choices = ["true", "false"];
      const parse = (text: string) => chosen(choices)(text) === "true";
      return { value: "true|false", help: "whether so", choices, parse };
    }
    case "array":
      if (items?.type === "string")
        return {
          value: "text",
          help: "a text; repeatable",
          parse: (text, before) => [...listIn(before), text],
        };
  }
  return { value: "json", help: "as JSON", parse: jsonIn };
}

/** The words of a closed list; undefined: it is none. */
function choicesOf(schema: Shape): readonly string[] | undefined {
  const all = schema.enum ?? schema.anyOf?.map((one) => one.const);
  return all?.every((one) => typeof one === "string") === true ? all.map(String) : undefined;
}

const chosen = (choices: readonly string[]) => (text: string) => {
  if (choices.includes(text)) return text;
  throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
};

const listIn = (before: unknown): readonly unknown[] => (Array.isArray(before) ? before : []);

function numberIn(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("It must be a number.");
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("It must be JSON.");
  }
}
