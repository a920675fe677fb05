/**
 * The rules about what stands in a file. Each brings an offence, so that the spec can prove that it finds
 * one, and something like it that is allowed. Strings and comments are looked at only by the rules that are
 * about them.
 */
import { createHash } from "node:crypto";
import type { SourceFile } from "./source-tree.ts";

export interface TextRule {
  readonly name: string;
  readonly appliesTo: (path: string) => boolean;
  /** Line numbers, counted from 1; 0 for the file as a whole. */
  readonly find: (file: SourceFile) => readonly number[];
  readonly offence: { readonly path: string; readonly text: string };
  readonly innocent: { readonly path: string; readonly text: string };
}

const anywhere = (): boolean => true;
const outsideNodes = (path: string): boolean => !/^(?:nodes|spec)\//.test(path);
const opening = "/** A made-up file. */\n";

/** Lines of a view on which a pattern begins. */
function linesWith(view: string, pattern: RegExp): readonly number[] {
  const global = new RegExp(pattern, `${pattern.flags.replace("g", "")}g`);
  return [...view.matchAll(global)].map((match) => view.slice(0, match.index).split("\n").length);
}

interface Pattern {
  readonly name: string;
  readonly view: "bare" | "code" | "comments" | "text";
  readonly pattern: RegExp;
  readonly offends: string;
  readonly allowed: string;
  readonly appliesTo?: (path: string) => boolean;
  readonly path?: string;
}

function patternRule(options: Pattern): TextRule {
  const {
    name,
    view,
    pattern,
    offends,
    allowed,
    appliesTo = anywhere,
    path = "actors/made-up/actor.ts",
  } = options;
  return {
    name,
    appliesTo,
    find: (file) => linesWith(file[view], pattern),
    offence: { path, text: `${opening}${offends}\n` },
    innocent: { path, text: `${opening}${allowed}\n` },
  };
}

const patterns: readonly Pattern[] = [
  {
    name: "no any",
    view: "bare",
    pattern: /(?<![.\w$])any\b(?!\s*[:(?])/,
    offends: "const x: any = 1;",
    allowed: 'const x = Promise.any([]); // any of them\nconst y = "any";',
  },
  {
    name: "no double assertion",
    view: "bare",
    pattern: /\bas\s+(?:unknown|never|object)\s+as\b/,
    offends: "const x = y as unknown as Z;",
    allowed: "const x = y as Z;",
  },
  {
    name: "no silenced compiler, no linter silenced without a reason",
    view: "comments",
    pattern: /@ts-(?:ignore|expect-error|nocheck)|eslint-|biome-ignore[^:\n]*(?:$|:\s*(?:\*\/)?$)/m,
    offends: "// biome-ignore lint/style/useConst:\nlet x = 1;",
    allowed: "// biome-ignore lint/style/useConst: it is set by a test.\nlet x = 1;",
  },
  {
    name: "no swallowed error",
    view: "bare",
    pattern: /\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\s*(?:\([^)]*\)|\w+)\s*=>\s*\{\s*\}\s*\)/,
    offends: "try { x(); } catch { /* whatever */ }",
    allowed: "try { x(); } catch (thrown) { log(thrown); }",
  },
  {
    name: "nothing left to do",
    view: "text",
    pattern: new RegExp(`\\b(?:${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`),
    offends: `// ${"TO" + "DO"}: later`,
    allowed: "// What is to do is done.",
  },
  {
    name: "no clock, timer or chance outside nodes and spec",
    view: "bare",
    pattern:
      /\bDate\.now\b|\bnew\s+Date\(\s*\)|\bMath\.random\b|\bperformance\.now\b|\bset(?:Timeout|I\w+)\b/,
    offends: "setTimeout(run, 5);",
    allowed: "clock.after(5, run);",
    appliesTo: outsideNodes,
  },
  {
    name: "no unique ids but those of the port in what is simulated",
    view: "bare",
    pattern: /\brandom(?:UUID|Bytes|Int|FillSync)\b/,
    offends: "const id = randomUUID();",
    allowed: "const id = ids.next();",
    appliesTo: (path) => /^(?:actors|protocol)\//.test(path),
  },
  {
    name: "no console and no environment outside nodes and spec",
    view: "bare",
    pattern: /\b(?:console\.|process\.(?:env|exit|argv|on|stdout|stderr)\b)/,
    offends: "console.log(1);",
    allowed: "log.info({}, 'x');",
    appliesTo: outsideNodes,
  },
  {
    name: "no test that is left out or alone",
    view: "bare",
    pattern: /\b(?:describe|it|specify)\.(?:only|skip)\b|\bx(?:it|describe)\s*\(/,
    offends: "it.only('x', run);",
    allowed: "it('x', run);",
    appliesTo: (path) => path.startsWith("spec/"),
    path: "spec/made-up.spec.ts",
  },
  {
    name: "no test that is repeated until it passes",
    view: "bare",
    pattern: /\.\s*retries\s*\(|\bretries:/,
    offends: "this.retries(3);",
    allowed: "expect(retriesOf(this)).to.equal(3); // .retries(3)",
    appliesTo: (path) => path.startsWith("spec/"),
    path: "spec/made-up.spec.ts",
  },
  {
    name: "no sleeping in tests that own their time",
    view: "bare",
    pattern: /\bsetTimeout\s*\((?!\s*\(?\)?\s*=>\s*reject)|\bsleep\s*\(|from\s+timers/,
    offends: "await new Promise((resolve) => setTimeout(resolve, 100));",
    allowed: "await clock.advance(100);",
    appliesTo: (path) => /^spec\/(?:actors|cluster|db|protocol)\//.test(path),
    path: "spec/actors/made-up.spec.ts",
  },
  {
    name: "decisions are tested by value",
    view: "bare",
    pattern: /\b(?:sinon|mock\w*|stub\w*|spy\w*|createActorSystem|MemoryStore|MemoryBus)\b/i,
    offends: "const store = new MemoryStore();",
    allowed: "expect(decide(state, event)).to.deep.equal(next);",
    appliesTo: (path) => /^spec\/actors\/.*\bdecide[\w-]*\.spec\.ts$/.test(path),
    path: "spec/actors/made-up/decide.spec.ts",
  },
  {
    name: "no path of somebody's machine",
    view: "text",
    pattern: /(?<![\w.~/-])\/(?:home|work|Users|mnt)\/\w/,
    offends: `const path = "${["", "home", "somebody"].join("/")}";`,
    allowed: 'const path = "/usr/bin/qemu-img";',
  },
];

/** Patterns for files in which nothing may wait: a decision is a function of what it is given. */
export const asynchronous = /\b(?:async|await|Promise|AbortSignal|AbortController|queueMicrotask)\b/;

export const pureRule = patternRule({
  name: "nothing asynchronous in what decides",
  view: "bare",
  pattern: asynchronous,
  offends: "export async function decide() {}",
  allowed: "export function decide() {} // async elsewhere",
  path: "actors/made-up/decide.ts",
});

const fileNameRule: TextRule = {
  name: "names in kebab-case, named for what is inside",
  appliesTo: anywhere,
  find: ({ path }) => {
    const parts = path.split("/");
    const name = (parts.pop() ?? "").replace(/\.(?:spec\.ts|d\.ts|ts|mjs)$/, "");
    const kebab = [...parts, name].every((part) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part));
    const vague = /(?:^|-)(?:utils?|helpers?|manager|common|base|misc|stuff|shared)$/.test(name);
    return kebab && !vague ? [] : [0];
  },
  offence: { path: "nodes/string-utils.ts", text: opening },
  innocent: { path: "nodes/command-line.ts", text: opening },
};

const openingRule: TextRule = {
  name: "a file opens by saying what it is for",
  appliesTo: anywhere,
  find: ({ text }) => (/^(?:#![^\n]*\n)?\/\*\*?\s*\n?\s*\*?\s*\S/.test(text) ? [] : [1]),
  offence: { path: "nodes/a.ts", text: "export const a = 1;\n" },
  innocent: { path: "nodes/a.ts", text: opening },
};

/** At most so many. */
export const linesMax = 400;
export const columnsMax = 110;

const longFileRule: TextRule = {
  name: `at most ${linesMax} lines a file`,
  appliesTo: anywhere,
  find: ({ text }) => (text.trimEnd().split("\n").length > linesMax ? [0] : []),
  offence: { path: "nodes/a.ts", text: opening + "x();\n".repeat(linesMax) },
  innocent: { path: "nodes/a.ts", text: opening + "x();\n".repeat(linesMax - 1) },
};

/** The formatter breaks code, but no literal: a line with one may be this long. */
export const literalColumnsMax = 130;

const longLineRule: TextRule = {
  name: `at most ${columnsMax} columns a line, ${literalColumnsMax} where a literal is in the way`,
  appliesTo: anywhere,
  find: ({ text, code, bare }) => {
    const [codeLines, bareLines] = [code.split("\n"), bare.split("\n")];
    return text.split("\n").flatMap((line, index) => {
      const hasLiteral = codeLines[index] !== bareLines[index];
      return [...line].length > (hasLiteral ? literalColumnsMax : columnsMax) ? [index + 1] : [];
    });
  },
  offence: { path: "nodes/a.ts", text: `${opening}// ${"x".repeat(columnsMax - 2)}\n` },
  innocent: {
    path: "nodes/a.ts",
    text: `${opening}${"ä".repeat(columnsMax)}\nit("${"x".repeat(columnsMax)}");\n`,
  },
};

export const textRules: readonly TextRule[] = [
  ...patterns.map(patternRule),
  fileNameRule,
  openingRule,
  longFileRule,
  longLineRule,
];

/** The first 12 digits of the hash of a word, by which a list can forbid it without saying it. */
export function wordHash(word: string): string {
  return createHash("sha256").update(word.toLowerCase()).digest("hex").slice(0, 12);
}

/** Words of a text that the list forbids, with their lines. A word may have dots and dashes inside. */
export function forbiddenWords(text: string, hashes: ReadonlySet<string>): readonly string[] {
  const known = new Map<string, boolean>();
  const isForbidden = (word: string): boolean => {
    const before = known.get(word);
    if (before !== undefined) return before;
    const now = hashes.has(wordHash(word));
    known.set(word, now);
    return now;
  };
  return text.split("\n").flatMap((line, index) => {
    const words = line.match(/[A-Za-z]+(?:[.-][A-Za-z]+)*/g) ?? [];
    const parts = words.flatMap((word) => (/[.-]/.test(word) ? [word, ...word.split(/[.-]/)] : [word]));
    return parts.filter(isForbidden).map((word) => `${index + 1}: ${word}`);
  });
}
