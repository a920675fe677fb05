/**
 * The body of a function in PL/pgSQL as lines that a person can compare: one clause a line, indented by what
 * it stands in. The same words give the same lines, so that a difference of two texts is a difference of what
 * they do. Pure.
 */
import { sqlTokens } from "./sql-tokens.ts";

const lineLengthMax = 110;
/** A clause of a query begins a line. */
const clauses = new Set(
  ["select", "from", "where", "group", "having", "order", "limit", "window", "union", "join", "left", "cross"]
    .concat(["on", "returning", "set", "values", "and", "or"])
    .sort(),
);
/** Two words of which the second begins no line. */
const joined = new Set(["left join", "cross join", "distinct from", "do update", "update set"]);

interface Layout {
  readonly lines: string[];
  line: string;
  /** What the line stands in: a step deeper each. */
  readonly steps: ("declare" | "begin" | "if" | "loop" | "handler")[];
  /** Parentheses, brackets and CASEs that are open: inside them a query's lines stand deeper. */
  readonly open: string[];
  /** The first word of the statement, or "" between two. */
  first: string;
}

/** @throws Error where it is no SQL that this project writes */
export function layOut(body: string): string {
  const layout: Layout = { lines: [], line: "", steps: [], open: [], first: "" };
  let before = "";
  for (const token of sqlTokens(body)) {
    if (layout.first === "") beginStatement(layout, token);
    else if (beginsLine(layout, before, token)) finish(layout);
    append(layout, before, token);
    if (layout.open.length === 0) endStep(layout, before, token);
    before = token;
  }
  finish(layout);
  return layout.lines.join("\n");
}

/** Ends the steps that this word ends. */
function beginStatement({ steps }: Layout, token: string): void {
  const top = steps.at(-1);
  if (token === "begin" && top === "declare") steps.pop();
  if ((token === "end" || token === "when") && top === "handler") steps.pop();
  if (token === "end" || token === "else" || token === "elsif") steps.pop();
}

/** Begins a step, or ends the statement, behind this word. */
function endStep(layout: Layout, before: string, token: string): void {
  const { steps, first } = layout;
  const alone = first === token && (token === "declare" || token === "begin" || token === "exception");
  const opens = alone || token === "then" || (token === "else" && first === token);
  const loops = token === "loop" && before !== "end";
  if (!opens && !loops && token !== ";") return;
  finish(layout);
  layout.first = "";
  if (token === "declare" || token === "begin") steps.push(token);
  else if (loops) steps.push("loop");
  else if (opens && token !== "exception") steps.push(first === "when" ? "handler" : "if");
}

function beginsLine({ open }: Layout, before: string, token: string): boolean {
  if (!clauses.has(token) || joined.has(`${before} ${token}`)) return false;
  return before !== "(" && open.at(-1) !== "[" && open.at(-1) !== "case";
}

function append(layout: Layout, before: string, token: string): void {
  const { open } = layout;
  const begins = layout.line === "";
  if (begins) {
    const within = open.length + (layout.first === "" ? 0 : 1);
    const outdented = layout.first === "" && token === "exception" ? 1 : 0;
    layout.line = "  ".repeat(layout.steps.length - outdented + within);
  }
  layout.line += (begins || !spaced(before, token) ? "" : " ") + token;
  if (layout.first === "") layout.first = token;
  if (token === "(" || token === "[" || token === "case") open.push(token);
  if (token === ")" || token === "]" || (token === "end" && open.at(-1) === "case")) open.pop();
}

const tight = new Set(["(", "[", ".", "::", "->", "->>"]);
const callable = /^(?:"?[a-z_][A-Za-z0-9_]*"?)$/;
/** Words that a parenthesis follows at a distance. */
const distant = new Set(
  [
    "and",
    "or",
    "not",
    "in",
    "as",
    "by",
    "from",
    "over",
    "filter",
    "values",
    "using",
    "when",
    "then",
    "set",
    "if",
  ]
    .concat([
      "partition",
      "where",
      "case",
      "else",
      "join",
      "exists",
      "lateral",
      "any",
      "all",
      "on",
      "select",
      "conflict",
    ])
    .sort(),
);

function spaced(before: string, token: string): boolean {
  if (tight.has(before) || ["", ")", "]", ",", ";", ".", "::", "->", "->>", "["].includes(token))
    return false;
  return token !== "(" || !callable.test(before) || distant.has(before);
}

function finish(layout: Layout): void {
  const line = layout.line.trimEnd();
  if (line !== "") layout.lines.push(...wrapped(line));
  layout.line = "";
}

/** A line in as many as it needs, the others deeper than the first. */
export function wrapped(line: string): readonly string[] {
  const lines: string[] = [];
  const deeper = `${/^ */.exec(line)?.[0] ?? ""}    `;
  let rest = line;
  while (rest.length > lineLengthMax) {
    const at = rest.lastIndexOf(" ", lineLengthMax);
    if (at <= deeper.length) break;
    lines.push(rest.slice(0, at));
    rest = deeper + rest.slice(at + 1);
  }
  return [...lines, rest];
}
