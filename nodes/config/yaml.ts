/**
 * Reads YAML that a person wrote: a plain value and the line of each part of it, or what keeps the text from
 * being one. Whatever the text is, the answer is one of both: it must never throw. Pure.
 */
import { type Document, isAlias, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { configLimits } from "./limits.ts";

/** One mistake, and its line. */
export interface Finding {
  readonly line: number;
  readonly message: string;
}

export type Path = readonly (string | number)[];
export type LineOf = (path: Path) => number;

export type Yaml =
  | { readonly ok: true; readonly value: unknown; readonly lineOf: LineOf }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** An empty text is an empty map. */
export function readYaml(text: string): Yaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = [...document.errors, ...document.warnings].map(({ pos: [at], message }) => {
    const line = lines.linePos(at).line;
    // The parser calls itself for each level, until there is no more stack.
    if (message.startsWith("Maximum call stack")) return { line, message: tooDeep };
    const advice = "Compare the indentation and quotes with the lines around it.";
    return { line, message: `this is not YAML: ${message}. ${advice}` };
  });
  const deep = broken.filter(({ message }) => message === tooDeep).slice(0, 1);
  const all = deep.length > 0 ? deep : broken.slice(0, configLimits.faultsToldMax);
  return all.length > 0 ? { ok: false, findings: all } : valueIn(document, lines);
}

const tooOften = "aliases (*NAME) repeat too much here. Write it out.";
const tooDeep = "lists and maps are nested too deeply here. Write it with fewer levels.";

function valueIn(document: Document, lines: LineCounter): Yaml {
  const findings = oddities(document, lines);
  if (findings.length > 0) return { ok: false, findings };
  try {
    const value: unknown = document.toJS({ maxAliasCount: configLimits.aliasesMax }) ?? {};
    return { ok: true, value, lineOf: (path) => lineAt(document, lines, path) };
  } catch (thrown) {
    // Aliases that name what has aliases: each level has as many times more.
    if (!(thrown instanceof ReferenceError)) throw thrown;
    return refused(firstAlias(document, lines), tooOften);
  }
}

const refused = (line: number, message: string): Yaml => ({ ok: false, findings: [{ line, message }] });

/** Aliases of what is not there, and of what has the alias in it, without end; keys that are no words. */
function oddities(document: Document, lines: LineCounter): readonly Finding[] {
  const anchors = new Map<string, unknown>();
  /** How many aliases lead on from a part, one after the other. */
  const chains = new Map<unknown, number>();
  const findings: Finding[] = [];
  const lineOf = ({ range }: { readonly range?: readonly number[] | null }) =>
    lines.linePos(range?.[0] ?? 0).line;
  visit(document, {
    Node: (place, node, above) => {
      if (above.length > configLimits.levelsMax) {
        findings.push({ line: lineOf(node), message: tooDeep });
        return visit.BREAK;
      }
      if (place === "key" && !isScalar(node))
        findings.push({
          line: lineOf(node),
          message: "a key is a word, and no list, map or alias. Write one.",
        });
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return undefined;
      }
      const named = anchors.get(node.source);
      const is = `the alias *${node.source}`;
      const line = lineOf(node);
      if (named === undefined)
        findings.push({ line, message: `${is} has no &${node.source} before it. Write out what it means.` });
      else if (above.some((one) => one === named))
        findings.push({
          line,
          message: `${is} stands in what it names, which would have no end. Remove it.`,
        });
      const chain = (chains.get(named) ?? 0) + 1;
      for (const one of above) chains.set(one, Math.max(chains.get(one) ?? 0, chain));
      if (chain <= configLimits.aliasChainMax) return undefined;
      findings.push({ line, message: tooOften });
      return visit.BREAK;
    },
  });
  return findings;
}

function firstAlias(document: Document, lines: LineCounter): number {
  let at = 0;
  visit(document, {
    Alias: (_key, { range }) => {
      at = range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return lines.linePos(at).line;
}

/**
 * The line of the node at the path: the line of its key where it has one, else of the innermost node around
 * it.
 */
function lineAt(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const start = keyStart(document, path.slice(0, length)) ?? nodeStart(document, path.slice(0, length));
    if (start !== undefined) return lines.linePos(start).line;
  }
  return 1;
}

function keyStart(document: Document, path: Path): number | undefined {
  const around = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(around)) return undefined;
  const pair = around.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)));
  return pair !== undefined && isNode(pair.key) ? pair.key.range?.[0] : undefined;
}

function nodeStart(document: Document, path: Path): number | undefined {
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
