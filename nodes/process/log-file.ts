/**
 * The bounded file of a log: when the file has grown to its limit it is renamed to `<file>.1`, so there are
 * two files at most. A line that cannot be written (a full disk, a quota, a broken or read-only disk) is
 * dropped and counted, and the next line that can be written comes after one that says how many are missing.
 *
 * Writing must never throw, nor end or hold up the process: its work is worth more than its log.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";

/** The calls to the system, so that specs can break each of them. */
export interface FileCalls {
  /** Opens the file for appending; makes it when there is none. */
  open(path: string): number;
  size(descriptor: number): number;
  /** Answers how many bytes were written, which may be fewer. */
  write(descriptor: number, bytes: Uint8Array, from: number): number;
  truncate(descriptor: number, size: number): void;
  rename(from: string, to: string): void;
  close(descriptor: number): void;
}

const systemCalls: FileCalls = {
  open: (path) => openSync(path, "a", 0o600),
  size: (descriptor) => fstatSync(descriptor).size,
  write: (descriptor, bytes, from) => writeSync(descriptor, bytes, from),
  truncate: ftruncateSync,
  rename: renameSync,
  close: closeSync,
};

export interface BoundedFileOptions {
  readonly path: string;
  readonly bytesMax: number;
  /** The line that says how many lines are missing, with its line end. `code`: why the last one is. */
  readonly missing: (lines: number, code: string) => string;
  readonly calls?: FileCalls;
}

/** Codes of errors that may pass without a change of the configuration. */
const passing: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EDQUOT",
  "EIO",
  "EROFS",
  "ENOMEM",
  "ENFILE",
  "EMFILE",
]);

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

/** True for an error of a disk that is full or broken: it may pass. A wrong path is another error. */
export const isDiskTrouble = (error: unknown): boolean => passing.has(codeOf(error));

export class BoundedFile {
  readonly #options: BoundedFileOptions;
  readonly #calls: FileCalls;
  #descriptor: number | undefined;
  #size = 0;
  #missing = 0;
  #code = "";

  /** @throws the error of opening a wrong path; a file for which there is no room is opened later */
  constructor(options: BoundedFileOptions) {
    this.#options = options;
    this.#calls = options.calls ?? systemCalls;
    try {
      this.#open();
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
    }
  }

  /** Writes the line, which has its line end, or drops and counts it. */
  write(line: string): void {
    try {
      const about = this.#missing === 0 ? "" : this.#options.missing(this.#missing, this.#code);
      this.#append(Buffer.from(about + line));
      this.#missing = 0;
    } catch (error) {
      this.#missing += 1;
      this.#code = codeOf(error);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) this.#calls.close(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    const descriptor = this.#calls.open(this.#options.path);
    this.#descriptor = descriptor;
    this.#size = this.#calls.size(descriptor);
    return descriptor;
  }

  /** Writes all of it or nothing: half a line would make the next one unreadable. */
  #append(bytes: Uint8Array): void {
    let descriptor = this.#descriptor ?? this.#open();
    if (this.#size > 0 && this.#size + bytes.length > this.#options.bytesMax)
      descriptor = this.#rotate(descriptor);
    try {
      for (let from = 0; from < bytes.length; ) from += this.#calls.write(descriptor, bytes, from);
    } catch (error) {
      this.#calls.truncate(descriptor, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }

  /** Begins a new file. A file that cannot be renamed is emptied: it stays bounded, with the newest lines. */
  #rotate(descriptor: number): number {
    const { path } = this.#options;
    try {
      this.#calls.rename(path, `${path}.1`);
    } catch {
      this.#calls.truncate(descriptor, 0);
      this.#size = 0;
      return descriptor;
    }
    this.close();
    return this.#open();
  }
}
