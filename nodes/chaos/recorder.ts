/**
 * Remembers what happens, in the order in which it happens: in memory for the judgement, and at once in two
 * files of JSON lines. `history.jsonl` has what clients asked and were told, and nothing else, so that
 * another checker can read it; `facts.jsonl` has what was watched, `faults.jsonl` what was broken,
 * `processes.jsonl` which process lived when. `order` of a line is its place among the lines of all files.
 */
import { createWriteStream, existsSync, mkdirSync, readFileSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import type { Fact } from "../../actors/promises/facts.ts";
import type { FaultKind } from "./scenario.ts";

/** What was broken, from when to when. */
export interface FaultRecord {
  readonly kind: FaultKind;
  readonly target: string;
  readonly atMs: number;
  /** Equal to `atMs` where nothing lasts. */
  readonly untilMs: number;
  readonly outcome: "done" | "skipped" | "failed";
  /** What was hit, or why not. */
  readonly note: string;
}

/** A process of the cluster lived from then to then, as far as it was looked at. */
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
  /** What was told is on the disk when it resolves. */
  close(): Promise<void>;
}

const files = {
  history: "history.jsonl",
  facts: "facts.jsonl",
  faults: "faults.jsonl",
  lives: "processes.jsonl",
} as const;

const isHistory = ({ kind }: Fact): boolean => kind === "invoked" || kind === "completed";

/** Makes the directory. @throws Error when it holds a history already: it would be mixed with another's. */
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

/** What a run has left in its directory, in order. @throws Error when there is no history */
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
