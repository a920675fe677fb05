/**
 * The text of a scenario: a header, what happens at which second, and the log that must come of it, as in the
 * regression tests of Proxmox VE HA (`cmdlist` and `log.expect`). Described in scenarios/README.md. Pure.
 */
import { type Action, parseAction } from "./scenario-actions.ts";

export interface Mutant {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Happening {
  /** Of simulated time, since the cluster was up. */
  readonly atSeconds: number;
  readonly action: Action;
  /** As it stands in the file. */
  readonly text: string;
}

export interface Scenario {
  readonly title: string;
  /** The public report, or the practice, that it is taken from. */
  readonly source: string;
  /** What an implementation without the guard would do. */
  readonly naive: string;
  readonly hosts: number;
  readonly controllers: number;
  /** How many of the small instances fit on each host. */
  readonly capacity: number;
  /** Guests' disks are on storage that hosts share, with locks or without; absent: they have none. */
  readonly disks: "locked" | "unlocked" | undefined;
  /** A guest takes so long to hear its power button; absent: it does not hear it. */
  readonly shutdownSeconds: number | undefined;
  readonly startSeconds: number;
  /** When every fault is over; absent: two seconds after the last. */
  readonly untilSeconds: number;
  readonly mutant: Mutant | undefined;
  readonly happenings: readonly Happening[];
  readonly expected: readonly string[];
}

export class ScenarioError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(`Line ${line}: ${message}`);
    this.line = line;
  }
}

const keys = [
  ...["title", "source", "naive", "hosts", "controllers", "capacity", "shutdown", "start", "until"],
  ...["disks", "mutant", "find", "replace"],
] as const;
type Key = (typeof keys)[number];
type Header = Map<Key, { readonly line: number; value: string }>;

/** @throws ScenarioError with the line that cannot be understood */
export function parseScenario(text: string): Scenario {
  const lines = text.split("\n");
  const commandsAt = lines.indexOf("commands:");
  const expectedAt = lines.indexOf("expected:");
  if (commandsAt < 0) throw new ScenarioError(lines.length, 'There is no line "commands:".');
  const end = expectedAt < 0 ? lines.length : expectedAt;
  if (end < commandsAt) throw new ScenarioError(end + 1, '"expected:" comes after "commands:".');
  const header = headerOf(lines.slice(0, commandsAt));
  const happenings = happeningsOf(lines.slice(commandsAt + 1, end), commandsAt + 2);
  const last = Math.max(0, ...happenings.map(({ atSeconds, action }) => atSeconds + lasting(action)));
  return {
    title: required(header, "title", commandsAt + 1),
    source: required(header, "source", commandsAt + 1),
    naive: required(header, "naive", commandsAt + 1),
    hosts: amount(header, "hosts") ?? 1,
    controllers: amount(header, "controllers") ?? 1,
    capacity: amount(header, "capacity") ?? 4,
    disks: disksOf(header),
    shutdownSeconds:
      header.get("shutdown")?.value === "never" ? undefined : (amount(header, "shutdown") ?? 2),
    startSeconds: amount(header, "start") ?? 0.5,
    untilSeconds: amount(header, "until") ?? Math.ceil(last) + 2,
    mutant: mutantOf(header),
    happenings,
    expected: lines
      .slice(end + 1)
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  };
}

/** What it sets off is over so much later, when it is set off at once. */
function lasting(action: Action): number {
  if (action.kind !== "aim") return action.forSeconds;
  const then = action.next === undefined ? 0 : lasting(action.next);
  return action.forSeconds + (action.bySeconds ?? 0) + then;
}

/** `key: value`; a line that begins with a space goes on with the value before it. */
function headerOf(lines: readonly string[]): Header {
  const header: Header = new Map();
  let last: { value: string } | undefined;
  lines.forEach((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    if (line.startsWith(" ") && last !== undefined) {
      last.value += ` ${line.trim()}`;
      return;
    }
    const [, name = "", value = ""] = /^(\w+):\s*(.*)$/.exec(line) ?? [];
    const key = keys.find((known) => known === name);
    if (key === undefined)
      throw new ScenarioError(index + 1, `A header begins with one of ${keys.join(", ")}, not "${line}".`);
    if (header.has(key)) throw new ScenarioError(index + 1, `There are two headers "${key}".`);
    const entry = { line: index + 1, value };
    header.set(key, entry);
    last = entry;
  });
  return header;
}

function disksOf(header: Header): Scenario["disks"] {
  const { line, value } = header.get("disks") ?? { line: 0, value: undefined };
  if (value === undefined || value === "locked" || value === "unlocked") return value;
  throw new ScenarioError(line, `"disks" is locked or unlocked, not "${value}".`);
}

function required(header: Header, key: Key, line: number): string {
  const value = header.get(key)?.value ?? "";
  if (value === "") throw new ScenarioError(line, `The header "${key}" is missing.`);
  return value;
}

function amount(header: Header, key: Key): number | undefined {
  const entry = header.get(key);
  if (entry === undefined) return undefined;
  const value = Number(entry.value);
  if (entry.value !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new ScenarioError(entry.line, `"${key}" is a number, not "${entry.value}".`);
}

function mutantOf(header: Header): Mutant | undefined {
  const [file, find, replace] = [header.get("mutant"), header.get("find"), header.get("replace")];
  if (file === undefined) return undefined;
  if (find === undefined || replace === undefined)
    throw new ScenarioError(file.line, 'A mutant has "find" and "replace".');
  const text = (value: string) => value.replaceAll("\\n", "\n");
  return { file: file.value, find: text(find.value), replace: text(replace.value) };
}

function happeningsOf(lines: readonly string[], first: number): readonly Happening[] {
  return lines.flatMap((line, index) => {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return [];
    const [, at, what = ""] = /^@(\d+(?:\.\d+)?)\s+(.*)$/.exec(text) ?? [];
    if (at === undefined)
      throw new ScenarioError(first + index, `A command begins with its time, as in "@12.5", not "${text}".`);
    try {
      return [{ atSeconds: Number(at), action: parseAction(what), text: what }];
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
      throw new ScenarioError(first + index, thrown.message);
    }
  });
}

/** The text with the guard switched off. @throws Error when the guard is not there exactly once */
export function mutated({ file, find, replace }: Mutant, text: string): string {
  const parts = text.split(find);
  const [before = "", after = ""] = parts;
  if (parts.length === 2) return before + replace + after;
  throw new Error(`What the mutant changes is ${parts.length - 1} times in ${file}, not once.`);
}

/** The file anew, with another log at its end. */
export function withExpected(text: string, expected: readonly string[]): string {
  const at = text.indexOf("\nexpected:");
  const head = at < 0 ? text.trimEnd() : text.slice(0, at).trimEnd();
  return `${head}\n\nexpected:\n${expected.map((line) => `  ${line}\n`).join("")}`;
}
