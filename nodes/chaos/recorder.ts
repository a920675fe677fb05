/**
 * Records the facts of a run in the order in which they happen: in memory for the judgement, and at once in
 * files of JSON lines. `history.jsonl` has the clients' calls and answers only, so that another checker can
 * read it; `facts.jsonl` has the observations, `faults.jsonl` the faults, `processes.jsonl` the lives of
 * processes. A line's `order` is its place among the lines of all files.
 */
import { createWriteStream, existsSync, mkdirSync, readFileSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import type { Fact } from "../../actors/promises/facts.ts";
import type { FaultKind } from "./scenario.ts";

/** A fault, with its beginning and its end. */
export interface FaultRecord {
  readonly kind: FaultKind;
  readonly target: string;
  readonly atMs: number;
  /** Equal to `atMs` for a fault that does not last. */
  readonly untilMs: number;
  readonly outcome: "done" | "skipped" | "failed";
  /** The target that was hit, or the reason why none was. */
  readonly note: string;
}

/** The life of one process of the cluster, as far as it was observed. */
export interface Life {
  readonly name: string;
  readonly pid: number;
  readonly atMs: number;
  readonly untilMs: number;
}

export interface Records {
  readonly facts: readonly Fact[];
  readonly faults: readonly FaultRecord[];
  readonly lives: readonly Life[];
}

export interface Recorder extends Records {
  tell(fact: Fact): void;
  tellFault(record: FaultRecord): void;
  tellLife(life: Life): void;
  /** Resolves when all facts are on the disk. */
  close(): Promise<void>;
}

const files = {
  history: "history.jsonl",
  facts: "facts.jsonl",
  faults: "faults.jsonl",
  lives: "processes.jsonl",
} as const;

const isHistory = ({ kind }: Fact): boolean => kind === "invoked" || kind === "completed";

/**
 * Opens the recorder and makes its directory. @throws Error when the directory holds a history already: the
 * two would be mixed
 */
export function openRecorder(directory: string): Recorder {
  mkdirSync(directory, { recursive: true });
  if (existsSync(join(directory, files.history))) {
    throw new Error(`${directory} holds the history of another run. Name a new directory with --report.`);
  }
  const open = (name: string) => createWriteStream(join(directory, name), { flags: "wx" });
  const streams = {
    history: open(files.history),
    facts: open(files.facts),
    faults: open(files.faults),
    lives: open(files.lives),
  };
  const facts: Fact[] = [];
  const faults: FaultRecord[] = [];
  const lives: Life[] = [];
  let order = 0;
  const write = (stream: WriteStream, value: object) => {
    order += 1;
    stream.write(`${JSON.stringify({ order, ...value })}\n`);
  };
  return {
    facts,
    faults,
    lives,
    tell: (fact) => {
      facts.push(fact);
      write(isHistory(fact) ? streams.history : streams.facts, fact);
    },
    tellFault: (record) => {
      faults.push(record);
      write(streams.faults, record);
    },
    tellLife: (life) => {
      lives.push(life);
      write(streams.lives, life);
    },
    close: async () => {
      await Promise.all(
        Object.values(streams).map((stream) => new Promise<void>((resolve) => stream.end(resolve))),
      );
    },
  };
}

/** The records that a run left in its directory, in order. @throws Error when there is no history */
export function readRecords(directory: string): Records {
  const at = (name: keyof typeof files) => join(directory, files[name]);
  const rest = <T>(name: keyof typeof files) => (existsSync(at(name)) ? linesOf<T>(at(name)) : []);
  const facts = [...linesOf<Fact>(at("history")), ...rest<Fact>("facts")];
  return {
    facts: facts.sort((left, right) => left.order - right.order).map(bare),
    faults: rest<FaultRecord>("faults").map(bare),
    lives: rest<Life>("lives").map(bare),
  };
}

const bare = <T>({ order: _, ...rest }: T & { readonly order: number }): T => rest as T;

function linesOf<T>(file: string): readonly (T & { readonly order: number })[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, index) => {
      if (line === "") return [];
      try {
        return [JSON.parse(line) as T & { readonly order: number }];
      } catch (error) {
        throw new Error(`${file}:${index + 1} is no JSON: ${(error as Error).message}`);
      }
    });
}
