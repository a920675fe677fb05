/**
 * Templates for picking fields out of an answer: kubectl's JSONPath, that part of it which looks something
 * up: `{.items[*].name}`, `{.items[-1].id}`, `{range .items[*]}{.name}{"\t"}{.state}{"\n"}{end}`. It runs
 * no expression of any kind (no filters, no scripts), hence nothing that is hostile in a template or in an
 * answer. Pure.
 */

export type Template = readonly Part[];

type Part =
  | { readonly text: string }
  | { readonly path: Path }
  | { readonly range: Path; readonly body: Template };

interface Path {
  /** From the whole answer (`$`), else from the current value of the range. */
  readonly whole: boolean;
  readonly steps: readonly Step[];
}

type Step =
  | { readonly field: string }
  | { readonly every: true }
  | { readonly index: number }
  | { readonly from: number | undefined; readonly to: number | undefined };

/** A template that cannot be read, and from where on. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** Reads a template; a path alone needs no braces. @throws TemplateError */
export function parseTemplate(text: string): Template {
  const source = /^[.$[@]/.test(text) && !text.includes("{") ? `{${text}}` : text;
  const open: { parts: Part[]; range: Path | undefined }[] = [{ parts: [], range: undefined }];
  const add = (part: Part) => open.at(-1)?.parts.push(part);
  for (const piece of piecesOf(source)) {
    if ("text" in piece) add(piece);
    else if (piece.inside === "end") {
      const ended = open.pop();
      if (ended?.range === undefined) throw new TemplateError("There is an {end} without a {range …}.");
      add({ range: ended.range, body: ended.parts });
    } else if (/^range\s/.test(piece.inside))
      open.push({ parts: [], range: pathOf(piece.inside.slice(5).trim()) });
    else add(/^["']/.test(piece.inside) ? { text: quoted(piece.inside) } : { path: pathOf(piece.inside) });
  }
  const [all, unended] = open;
  if (unended !== undefined) throw new TemplateError("There is a {range …} without its {end}.");
  return all?.parts ?? [];
}

type Piece = { readonly text: string } | { readonly inside: string };

/** Texts, and what stands in braces; a brace in quotes is one of the text. */
function piecesOf(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const braces = /\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}/y;
  for (let at = 0; at < source.length; ) {
    const next = source.indexOf("{", at);
    if (next < 0 || next > at) pieces.push({ text: source.slice(at, next < 0 ? undefined : next) });
    if (next < 0) break;
    braces.lastIndex = next;
    const found = braces.exec(source);
    if (found === null) throw new TemplateError(`A brace is not closed: ${source.slice(next)}`);
    pieces.push({ inside: (found[1] ?? "").trim() });
    at = braces.lastIndex;
  }
  return pieces;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

const quoted = (text: string): string => {
  if (text.length < 2 || text.at(-1) !== text[0]) throw notUnderstood(text);
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
};

const stepPattern = new RegExp(
  [
    String.raw`\.?\[\s*(?<every>\*)\s*\]`,
    String.raw`\.(?<all>\*)`,
    String.raw`\.?\[\s*(?<index>-?\d{1,9})\s*\]`,
    String.raw`\.?\[\s*(?<from>-?\d{1,9})?\s*:\s*(?<to>-?\d{1,9})?\s*\]`,
    String.raw`\.?\[\s*(?<key>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\]`,
    String.raw`\.(?<field>(?:\\.|[^.[\]{}()\s'"*?@$\\])+)`,
  ].join("|"),
  "y",
);

function pathOf(text: string): Path {
  const [root = ""] = /^[$@]?/.exec(text) ?? [];
  const steps: Step[] = [];
  // A dot alone is the value itself.
  for (let at = root.length; at < text.length && text.slice(at) !== "."; ) {
    stepPattern.lastIndex = at;
    const groups = stepPattern.exec(text)?.groups;
    if (groups === undefined) throw notUnderstood(text.slice(at));
    steps.push(stepOf(groups));
    at = stepPattern.lastIndex;
  }
  if (text === "") throw new TemplateError("There is an empty pair of braces.");
  return { whole: root === "$", steps };
}

function stepOf({ every, all, index, from, to, key, field }: Partial<Record<string, string>>): Step {
  if (every !== undefined || all !== undefined) return { every: true };
  if (index !== undefined) return { index: Number(index) };
  if (key !== undefined) return { field: quoted(key) };
  if (field !== undefined) return { field: field.replace(/\\(.)/g, "$1") };
  const number = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));
  return { from: number(from), to: number(to) };
}

const notUnderstood = (rest: string): TemplateError =>
  new TemplateError(`This is not understood: ${rest}. Paths look like .items[*].name, .items[0]['a.b'].`);

/** Fills a template with the answer's values. What is not there leaves nothing. */
export function fillTemplate(template: Template, answer: unknown): string {
  const fill = (parts: Template, here: unknown): string =>
    parts
      .map((part) => {
        if ("text" in part) return part.text;
        if ("path" in part) return found(part.path, here).map(textOf).join(" ");
        return found(part.range, here)
          .map((value) => fill(part.body, value))
          .join("");
      })
      .join("");
  const found = ({ whole, steps }: Path, here: unknown): readonly unknown[] =>
    steps.reduce<readonly unknown[]>(
      (values, step) => values.flatMap((value) => taken(step, value)),
      [whole ? answer : here],
    );
  return fill(template, answer);
}

function taken(step: Step, value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if ("every" in step) return Object.values(value);
  if ("field" in step)
    return Object.hasOwn(value, step.field) ? [new Map(Object.entries(value)).get(step.field)] : [];
  if (!Array.isArray(value)) return [];
  const list: readonly unknown[] = value;
  if ("index" in step)
    return step.index < list.length && -step.index <= list.length ? [list.at(step.index)] : [];
  return list.slice(step.from, step.to);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
