/**
 * All squares of some operations, one after the other or in several processes. Each process takes every n-th
 * square; what it finds comes back as messages. A process that dies ends the whole matrix.
 */
import { type ChildProcess, fork } from "node:child_process";
import type { Operation } from "./crash-matrix-acts.ts";
import { operations } from "./crash-matrix-operations.ts";
import type { Row, Square } from "./crash-matrix-report.ts";
import { faultsAt, runSquare } from "./crash-matrix-square.ts";

export interface Part {
  /** Of so many. */
  readonly parts: number;
  readonly part: number;
  /** Only every so many-th square. */
  readonly sample: number;
  readonly operations: readonly string[];
}

/** Every operation is counted anew by each part: it takes less time than to tell. */
export async function runPart(part: Part, done: (squares: number) => void = () => undefined): Promise<Row[]> {
  const rows: Row[] = [];
  let number = 0;
  for (const operation of operations.filter(({ name }) => part.operations.includes(name))) {
    const row = await countedRow(operation);
    const squares: Square[] = [];
    for (const square of squaresOf(operation.name, row)) {
      number += 1;
      if (number % part.sample !== 0 || (number / part.sample) % part.parts !== part.part) continue;
      const { red } = await runSquare(operation, square);
      squares.push({ ...square, red });
      done(1);
    }
    rows.push({ ...row.row, squares });
  }
  return rows;
}

interface CountedRow {
  readonly row: Omit<Row, "squares">;
  readonly counted: readonly Square["step"][];
}

async function countedRow(operation: Operation): Promise<CountedRow> {
  const { red, counted } = await runSquare(operation);
  return { row: { operation: operation.name, steps: counted.length, undisturbed: red }, counted };
}

function squaresOf(operation: string, { counted }: CountedRow): readonly Omit<Square, "red">[] {
  return counted.flatMap((step) => faultsAt(step).map((fault) => ({ operation, step, fault })));
}

export async function runParts(part: Omit<Part, "part">, done: (squares: number) => void): Promise<Row[]> {
  if (part.parts === 1) return runPart({ ...part, part: 0 }, done);
  const all = Array.from({ length: part.parts }, (_, index) => inChild({ ...part, part: index }, done));
  return merge(await Promise.all(all));
}

type Message = { readonly squares: number } | { readonly rows: Row[] };

function inChild(part: Part, done: (squares: number) => void): Promise<Row[]> {
  const child: ChildProcess = fork(new URL("crash-matrix-worker.ts", import.meta.url), [
    JSON.stringify(part),
  ]);
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) => {
      if ("squares" in message) done(message.squares);
      else resolve(message.rows);
    });
    child.on("error", reject);
    // Too late when it has told its rows.
    child.on("exit", (code) => reject(new Error(`A process of the crash matrix ended with ${code}.`)));
  });
}

/** The parts of each row, in the order of its steps. */
export function merge(parts: readonly (readonly Row[])[]): Row[] {
  return (parts[0] ?? []).map((row) => ({
    ...row,
    squares: parts
      .flatMap((rows) => rows.find(({ operation }) => operation === row.operation)?.squares ?? [])
      .sort((a, b) => a.step.step - b.step.step),
  }));
}
