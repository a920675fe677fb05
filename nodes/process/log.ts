/**
 * The log: one bounded file of JSON lines per process in the state directory, with the whole chain of an
 * error's causes and without the passwords that a library's message may hold. NOVACT_LOG sets the level
 * (debug, info, warn, error).
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { pino } from "pino";
import { StatusError } from "../../protocol/wire/status.ts";
import { seenJson } from "../../protocol/wire/text.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { counted, isOrAre } from "../../protocol/wire/wording.ts";
import { processLimits } from "./limits.ts";
import { BoundedFile, type FileCalls, isDiskTrouble } from "./log-file.ts";

const levels = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof levels)[number];

export interface LogOptions {
  /** Name of the process that writes: `controller-1`, `node-2`. */
  readonly process: string;
  readonly file: string;
  readonly level?: Level;
  /** Absent: the system's. */
  readonly calls?: FileCalls;
}

export interface LogFile extends Log {
  close(): void;
}

/** The level that the environment asks for; info when it asks for none or for an unknown one. */
export const levelOf = (text: string | undefined): Level => levels.find((level) => level === text) ?? "info";

/**
 * Opens the log. Lines are written before the call returns, so the last words of a dying process are there. A
 * full or broken disk costs lines, and never the process (log-file.ts).
 */
export function openLog(options: LogOptions): LogFile {
  makeDirectory(dirname(options.file));
  const file = new BoundedFile({
    path: options.file,
    bytesMax: processLimits.logBytesMax,
    missing: (lines, code) => missingLine(options.process, lines, code),
    ...(options.calls === undefined ? {} : { calls: options.calls }),
  });
  const logger = pino(
    {
      level: options.level ?? levelOf(process.env.NOVACT_LOG),
      base: { process: options.process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Names of tenants and words of hosts are in it: who looks at the file sees what is there.
    { write: (line: string) => file.write(seenJson(line)) },
  );
  const write =
    (level: Level): Log["info"] =>
    (fields, message) =>
      logger[level](readable(fields), message);
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    close: () => file.close(),
  };
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o711 });
  } catch (error) {
    if (!isDiskTrouble(error)) throw error;
  }
}

function missingLine(name: string, lines: number, code: string): string {
  const msg = `${counted(lines, "line")} ${isOrAre(lines)} missing here: the log could not be written (${code})`;
  return `${JSON.stringify({ level: "warn", time: new Date().toISOString(), process: name, lines, code, msg })}\n`;
}

/** The fields with errors in readable form, together with their causes. */
function readable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? described(value) : value]),
  );
}

const causesMax = 8;

/** An error as data: type, text, stack and causes, outermost first. */
function described(error: Error, depth = 0): Record<string, unknown> {
  const status = error instanceof StatusError ? { reason: error.reason, detail: hidden(error.detail) } : {};
  const cause = error.cause instanceof Error ? described(error.cause, depth + 1) : hidden(error.cause);
  return {
    type: error.name,
    message: hidden(error.message),
    ...status,
    stack: hidden(error.stack),
    ...(error.cause === undefined || depth >= causesMax ? {} : { cause }),
  };
}

/** The text without the passwords in its URLs. */
function hidden(text: unknown): unknown {
  if (typeof text !== "string") return text;
  return text.replace(/(\w+:\/\/[^\s:/@]*):[^\s@]*@/g, "$1:***@");
}
