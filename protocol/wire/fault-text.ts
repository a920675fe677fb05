/**
 * What is wrong with a field, in words for people: the rest of a sentence that the field's name begins. Wire
 * and configuration have it in common; nobody reads a pattern. A schema's `description` is a noun phrase that
 * says what is allowed. Pure; it must never repeat a value.
 */
import type { ErrorObject } from "ajv";
import { counted } from "./wording.ts";

type Fault = Pick<ErrorObject, "keyword" | "params" | "instancePath" | "parentSchema" | "message">;

/** Such as `must be at least 1`, without a full stop. */
export function problemOf(fault: Fault): string {
  const { keyword, params, message } = fault;
  const words = sentences[keyword];
  if (words !== undefined) return words(Number(params.limit), fault);
  return message ?? "is not valid";
}

type Words = (limit: number, fault: Fault) => string;

/** What is allowed, where the schema says it; else what is known from the keyword alone. */
const asDescribed =
  (otherwise: (limit: number) => string): Words =>
  (limit, { parentSchema }) => {
    const allowed: unknown = parentSchema?.description;
    return typeof allowed === "string" ? `must be ${allowed}` : otherwise(limit);
  };

const entries = (count: number): string => counted(count, "entry", "entries");

const sentences: Readonly<Record<string, Words>> = {
  pattern: asDescribed(() => "has characters, or an order of them, that are not allowed there"),
  minLength: asDescribed((limit) =>
    limit === 1 ? "must not be empty" : `must have at least ${counted(limit, "character")}`,
  ),
  maxLength: asDescribed((limit) => `may have at most ${counted(limit, "character")}`),
  minimum: (limit, fault) => `must be at least ${limit}${unitOf(fault)}`,
  maximum: (limit, fault) => `must be at most ${limit}${unitOf(fault)}`,
  minItems: (limit) => `must have at least ${entries(limit)}`,
  maxItems: (limit) => `may have at most ${entries(limit)}`,
  maxProperties: (limit) => `may have at most ${counted(limit, "pair")}`,
  uniqueItems: () => "has an entry twice",
};

const units = [
  [/Mib(?:Min|Max)?$/, " MiB"],
  [/Gib(?:Min|Max)?$/, " GiB"],
  [/Kib$/, " KiB"],
  [/Ms(?:Max)?$/, " ms"],
  [/Bytes$/, " bytes"],
] as const;

/** The unit at the end of the field's name, which a command line's option does not have. */
const unitOf = ({ instancePath }: Fault): string =>
  units.find(([ending]) => ending.test(instancePath))?.[1] ?? "";
