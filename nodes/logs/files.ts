/**
 * Reads the logs of all processes of a cluster from its state directory on this computer: what is there, in
 * the order of time, and then what is added. It reads only lines of ours, writes nothing, asks no process.
 */
import { once } from "node:events";
import { closeSync, createReadStream, existsSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadConfig, statePaths } from "../config/config.ts";
import { NothingNamedError } from "../config/errors.ts";
import { logLimits } from "./limits.ts";
import { answers, type LogLine, type LogQuestion, lineIn } from "./lines.ts";

/** The directory of the logs. `config`: path of cluster.yaml. @throws NothingNamedError, ConfigError */
export function logDirectory(config: string | undefined): string {
  const { log } = statePaths(loadConfig(config));
  if (existsSync(log)) return log;
  throw new NothingNamedError(
    `Logs are read from the state directory of this computer, and there are none in ${log}.`,
    "Run this on the computer that the cluster runs on, or name its configuration: --config FILE.",
  );
}

/** A file of a log, and how far it was read. */
interface Place {
  /** Of the file: another one has come under its name when this changes. */
  readonly inode: number;
  readonly offset: number;
}

export class LogFiles {
  readonly #directory: string;
  readonly #question: LogQuestion;
  readonly #places = new Map<string, Place>();
  /** Number of the oldest lines that were dropped, because a look keeps only logLimits.linesKeptMax. */
  leftOut = 0;

  constructor(directory: string, question: LogQuestion) {
    this.#directory = directory;
    this.#question = question;
  }

  /** The lines that came since the last look, oldest first; at the first look, all that are kept. */
  async look(): Promise<readonly LogLine[]> {
    const found: LogLine[] = [];
    for (const name of this.#names()) {
      for (const text of await this.#newIn(name)) {
        const line = lineIn(text);
        if (line !== undefined && answers(line, this.#question)) found.push(line);
      }
    }
    const sorted = found.sort((one, other) => one.atMs - other.atMs);
    this.leftOut += Math.max(0, sorted.length - logLimits.linesKeptMax);
    return sorted.slice(-logLimits.linesKeptMax);
  }

  /** Old files first: what was renamed since the last look is read to its end before the new one. */
  #names(): readonly string[] {
    const names = readdirSync(this.#directory).filter((name) => /\.log(\.1)?$/.test(name));
    return names.sort((one, other) => Number(other.endsWith(".1")) - Number(one.endsWith(".1")));
  }

  /** The whole lines that were added to a file; it may have been renamed, or begun anew. */
  async #newIn(name: string): Promise<readonly string[]> {
    const descriptor = opened(join(this.#directory, name));
    if (descriptor === undefined) return [];
    try {
      const { ino: inode, size } = fstatSync(descriptor);
      const known = [...this.#places].find(([, place]) => place.inode === inode);
      const from = known === undefined || known[1].offset > size ? 0 : known[1].offset;
      if (known !== undefined && known[0] !== name) this.#places.delete(known[0]);
      const { lines, bytes } = await wholeLines(descriptor, from, size);
      this.#places.set(name, { inode, offset: from + bytes });
      return lines;
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Undefined when the file has just been renamed. @throws NothingNamedError when it is another user's */
function opened(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code !== "EACCES") throw error;
    throw new NothingNamedError(
      `${path} belongs to the user who started the cluster.`,
      "Run this as that user (sudo).",
    );
  }
}

/** The lines between two positions that have their line end, and how many bytes these are. */
async function wholeLines(descriptor: number, from: number, to: number) {
  const lines: string[] = [];
  let bytes = 0;
  if (to <= from) return { lines, bytes };
  const stream = createReadStream("", { fd: descriptor, autoClose: false, start: from, end: to - 1 });
  const reader = createInterface({ input: stream });
  reader.on("line", (line) => {
    const length = Buffer.byteLength(line) + 1;
    if (from + bytes + length > to) return;
    bytes += length;
    lines.push(line);
  });
  await once(reader, "close");
  return { lines, bytes };
}
