/**
 * The small files by which a cluster remembers who it is: written whole and durably, and checked when they
 * are read. Synchronous, because they are read before anything else can begin. What such a file must never do
 * is to stand under its name half written, or to be believed when it is damaged.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Code } from "../../protocol/wire/reasons.ts";

/** A state file that cannot be used; the message names it and says what to do. */
export class StateFileError extends Error {
  override readonly name = "StateFileError";
  readonly code: Code;

  constructor(message: string, code: Code = "FAILED_PRECONDITION") {
    super(message);
    this.code = code;
  }
}

/**
 * Writes the file, or replaces it. A file that has the text already is left alone: a server that comes back
 * on a full disk has nothing to write. @throws StateFileError when the disk is full
 */
export function writeStateFile(path: string, text: string, mode = 0o600): void {
  if (has(path, text, mode)) return;
  put(path, { text, mode }, (temporary) => renameSync(temporary, path));
}

function has(path: string, text: string, mode: number): boolean {
  try {
    return (statSync(path).mode & 0o777) === mode && readFileSync(path, "utf8") === text;
  } catch {
    // Missing or not readable: it is written, and what is wrong with it is said then.
    return false;
  }
}

/** Writes the file unless it is there already, were it by another process at the same moment. */
export function makeStateFile(path: string, text: string): void {
  put(path, { text, mode: 0o600 }, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  });
}

interface Content {
  readonly text: string;
  readonly mode: number;
}

/** Writes the text beside the path, and moves it there by `into` when it is on the disk. */
function put(path: string, { text, mode }: Content, into: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = openSync(temporary, "wx", mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    into(temporary);
    syncDirectoryOf(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    throw new StateFileError(`No space is left on the disk for ${path}. Free some.`, "RESOURCE_EXHAUSTED");
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Makes the path's name durable. */
export function syncDirectoryOf(path: string): void {
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

export interface Expected {
  /** What the file's whole text is like, without the white space around it. */
  readonly pattern: RegExp;
  /** What to do about a damaged file, and what becomes of it: whole sentences. */
  readonly advice: string;
}

/**
 * The file's text without the white space around it; undefined when there is no such file.
 * @throws StateFileError when the text is not as expected
 */
export function readStateFile(path: string, { pattern, advice }: Expected): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (pattern.test(text)) return text;
  throw new StateFileError(`${path} is ${text === "" ? "empty" : "damaged"}. ${advice}`);
}
