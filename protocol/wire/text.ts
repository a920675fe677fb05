/**
 * What the texts of clients may hold (decision 0048). Texts go into other people's lists, into logs, headers
 * and terminals. So what steers a terminal, ends a line, changes the direction of writing or is no character
 * at all is refused where it comes in. A name that is given to something is held to more: nothing in it may
 * be invisible, and no two names that look alike may differ by how they are written.
 *
 * Nothing here changes a text but {@link legible}, which is for texts that are shown. What hosts say of
 * themselves has bounds of its own (offered.ts). Pure; no value is ever repeated in an error.
 */

export interface TextFault {
  /** The names on the way to the text, with dots between them. */
  readonly field: string;
  /** The rest of a sentence that the field's name begins. */
  readonly problem: string;
}

interface Forbidden {
  /** In a regular expression with the flag `u`. */
  readonly pattern: string;
  readonly words: (code: string) => string;
}

/** In no text of a client, whatever it is for. Tabs, line feeds and carriage returns are text. */
const nowhere: readonly Forbidden[] = [
  { pattern: "\\p{Cs}", words: (code) => `half of a surrogate pair (${code})` },
  {
    pattern: "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]",
    words: (code) => `the control character ${code}`,
  },
  { pattern: "[\\p{Zl}\\p{Zp}]", words: (code) => `the line separator ${code}` },
  {
    pattern: "\\p{Bidi_Control}",
    words: (code) => `the character ${code}, which changes the direction of writing`,
  },
  { pattern: "\\ufeff", words: (code) => `a byte order mark (${code})` },
  { pattern: "\\p{Noncharacter_Code_Point}", words: (code) => `${code}, which is no character` },
];

/** In no name besides. U+2800 is a pattern of Braille without dots; a space is the only one of its class. */
const notInNames: readonly Forbidden[] = [
  { pattern: "\\p{Cc}", words: (code) => `the control character ${code}` },
  {
    pattern: "[\\p{Cf}\\p{Default_Ignorable_Code_Point}\\u2800]",
    words: (code) => `the invisible character ${code}`,
  },
  { pattern: "(?! )\\p{Zs}", words: (code) => `the character ${code}, which looks like a space` },
];

interface Rule {
  readonly finds: RegExp;
  readonly words: Forbidden["words"];
}

const ruleOf = ({ pattern, words }: Forbidden): Rule => ({ finds: new RegExp(pattern, "u"), words });
const nowhereRules = nowhere.map(ruleOf);
const nameRules = [...nowhere, ...notInNames].map(ruleOf);
/** The usual text is seen to be sound by one search. */
const anyOfNowhere = new RegExp(nowhere.map(({ pattern }) => pattern).join("|"), "u");

/** Such as `U+202E`. */
const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

function foundIn(text: string, rules: readonly Rule[]): string | undefined {
  for (const { finds, words } of rules) {
    const [character] = finds.exec(text) ?? [];
    if (character !== undefined) return words(codeOf(character));
  }
  return undefined;
}

/**
 * The first text or key in a body that may not be there, at any depth; undefined: all are sound. The depth
 * and the number of values have been bounded before (codec.ts).
 */
export function textFault(value: unknown, field = ""): TextFault | undefined {
  if (typeof value === "string") {
    if (!anyOfNowhere.test(value)) return undefined;
    return { field, problem: `holds ${foundIn(value, nowhereRules) ?? "what"}, which no text may hold` };
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return undefined;
  const isList = Array.isArray(value);
  for (const [key, part] of Object.entries(value)) {
    if (!isList && anyOfNowhere.test(key))
      return {
        field,
        problem: `has a key with ${foundIn(key, nowhereRules) ?? "what"}, which no key may hold`,
      };
    const fault = textFault(part, field === "" ? legible(key) : legible(`${field}.${key}`));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Whether the text has the form of the ids that are made here, in whatever letters. */
export const isIdShaped = (text: string): boolean =>
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** What is given: the name of a thing, or a key of metadata, which may have the form of an id. */
export type Given = "name" | "key";

/**
 * What is wrong with a name or key that is given, beside its length: the rest of a sentence. Undefined:
 * nothing. The id of another thing is no name, since things are named by both.
 */
export function nameProblem(name: string, given: Given): string | undefined {
  const found = foundIn(name, nameRules);
  if (found !== undefined) return `holds ${found}, which no name may hold`;
  if (name.startsWith(" ") || name.endsWith(" ")) return "begins or ends with a space, which no name may";
  if (/^\p{M}/u.test(name)) return "begins with a mark that belongs to the letter before it";
  if (given === "name" && isIdShaped(name)) return "has the form of an id: things are named by their ids too";
  if (!isComposed(name))
    return "is written with letters and marks apart: send it composed (Unicode's form NFC), as it looks the same";
  return undefined;
}

const isComposed = (text: string): boolean => text.normalize("NFC") === text;

/** What nobody sees besides: a joiner, fillers, an empty pattern of Braille. */
const unseen = "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u2800\\u3164\\uffa0";
const illegible = new RegExp(`[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}${unseen}]`, "gu");

/** The text with a mark for every character that steers, separates or cannot be seen; spaces stay. */
export const marked = (text: string): string => text.replace(illegible, "?");

/** That text, cut to its beginning; a character is never cut in halves. */
export function legible(text: string, lengthMax = 80): string {
  const clean = marked(text);
  if (clean.length <= lengthMax) return clean;
  return `${clean.slice(0, lengthMax).replace(/\p{Cs}$/u, "")}…`;
}

/**
 * JSON with escapes for the characters that steer or that nobody sees, which it may hold as they are: it has
 * the same value, and can be looked at.
 */
export const seenJson = (json: string): string => json.replace(unseenInJson, escaped);

/** The control characters below U+0020, line feeds among them, are escaped in JSON anyhow. */
const unseenInJson = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => {
    const code = character.charCodeAt(at).toString(16).padStart(4, "0");
    return `\\u${code}`;
  }).join("");

/**
 * The value with U+FFFD for every half of a surrogate pair in its texts and keys; the value itself when there
 * is none. For what we say: whatever a text was cut from, all of an answer can be read.
 */
export function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.isWellFormed() ? value : value.toWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) {
    const parts: readonly unknown[] = value.map(wellFormed);
    return parts.every((part, at) => part === value[at]) ? value : parts;
  }
  const parts = Object.entries(value).map(
    ([key, part]: [string, unknown]) => [key.toWellFormed(), wellFormed(part), key, part] as const,
  );
  if (parts.every(([key, part, was, had]) => key === was && part === had)) return value;
  return Object.fromEntries(parts);
}
