/** What is wrong with a configuration, or with a word for a part of it. It must never show a secret. */
import { relative } from "node:path";
import type { Finding } from "./explain.ts";

/** A configuration that cannot be used; the message is for people and has one line for each mistake. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "INVALID_ARGUMENT";
  readonly findings: readonly Finding[];

  constructor(file: string, findings: readonly Finding[]) {
    super(findings.map(({ line, message }) => `${shownPath(file)}:${line}: ${message}`).join("\n"));
    this.findings = findings;
  }
}

/** A word of a command line or of the environment for which there is nothing; no line of a file is wrong. */
export class NothingNamedError extends Error {
  override readonly name = "ConfigError";
  readonly code = "INVALID_ARGUMENT";
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.next = next;
  }
}

/** A path as it is shown: from where the program was started, if it lies there. */
export function shownPath(file: string): string {
  const shown = relative(process.cwd(), file);
  return shown.startsWith("..") ? file : shown;
}
