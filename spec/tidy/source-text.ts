/**
 * Splits a TypeScript file into what runs and what is said about it, so that a rule looks only where it means
 * to look. A small scanner, not a parser: it knows comments, strings, templates and regular expressions,
 * nothing else. Every view has the same length and the same lines as the file. It must never be asked about
 * types.
 */

export interface SourceText {
  /** The file without its comments. */
  readonly code: string;
  /** The code without what is inside strings, templates and regular expressions. */
  readonly bare: string;
  /** The comments alone. */
  readonly comments: string;
}

type Kind = "code" | "quoted" | "comment";

interface Piece {
  readonly kind: Kind;
  readonly end: number;
}

/** After these, a slash begins a regular expression; after anything else it divides. */
const beforePattern = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|await|yield))\s*$/;

const plain = /[^"'`/{}]*/y;

/** Splits the text of one file. */
export function splitSource(text: string): SourceText {
  const views = { code: "", bare: "", comments: "" };
  // Braces open inside the substitutions of the templates around this place, innermost last.
  const substitutions: number[] = [];
  for (let at = 0; at < text.length; ) {
    const { kind, end } = nextPiece(text, at, { before: views.bare, substitutions });
    const part = text.slice(at, end);
    const nothing = blank(part);
    views.code += kind === "comment" ? nothing : part;
    views.bare += kind === "code" ? part : nothing;
    views.comments += kind === "comment" ? part : nothing;
    at = end;
  }
  return views;
}

/** Spaces in place of everything but line ends. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

interface Context {
  readonly before: string;
  readonly substitutions: number[];
}

function nextPiece(text: string, at: number, { before, substitutions }: Context): Piece {
  const [character, pair] = [text[at], text.slice(at, at + 2)];
  if (pair === "//") return { kind: "comment", end: endOf(text, "\n", at) };
  if (pair === "/*") return { kind: "comment", end: endOf(text, "*/", at + 2) + 2 };
  if (character === '"' || character === "'") return { kind: "quoted", end: endOfString(text, at) };
  if (character === "`") return template(text, at + 1, substitutions);
  if (character === "/" && beforePattern.test(before.slice(-200)))
    return { kind: "quoted", end: endOfPattern(text, at) };
  return brace(text, at, substitutions) ?? { kind: "code", end: at + plainLength(text, at) };
}

/** How much code follows in which nothing begins or ends: at least one character. */
function plainLength(text: string, at: number): number {
  plain.lastIndex = at + 1;
  return 1 + (plain.exec(text)?.[0].length ?? 0);
}

/** A brace inside a substitution; the one that closes it takes the template up again. */
function brace(text: string, at: number, substitutions: number[]): Piece | undefined {
  const depth = substitutions.at(-1);
  if (depth === undefined || (text[at] !== "{" && text[at] !== "}")) return undefined;
  if (text[at] === "}" && depth === 0) {
    substitutions.pop();
    return template(text, at + 1, substitutions);
  }
  substitutions[substitutions.length - 1] = depth + (text[at] === "{" ? 1 : -1);
  return undefined;
}

/** Up to the end of the template, or into its next substitution. */
function template(text: string, from: number, substitutions: number[]): Piece {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "`") return { kind: "quoted", end: at + 1 };
    else if (text.startsWith("${", at)) {
      substitutions.push(0);
      return { kind: "quoted", end: at + 2 };
    }
  }
  return { kind: "quoted", end: text.length };
}

function endOf(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === text[from]) return at + 1;
  }
  return text.length;
}

function endOfPattern(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "/" && !inClass) return at + 1;
  }
  return text.length;
}
