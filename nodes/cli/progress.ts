/**
 * Waits for an operation and shows its steps with their times: one changing line on a terminal, one line for
 * each step elsewhere. It asks for the operation's end with a short wait each time, so the end is seen at
 * once and a step soon.
 */

import { wireLimits } from "../../protocol/limits/wire.ts";
import type { Operation } from "../../protocol/operation.ts";
import { CommandError } from "./errors.ts";
import { duration } from "./format.ts";
import { commandLimits } from "./limits.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";
import { type Paint, painter, plain } from "./terminal.ts";

export interface Waited {
  readonly operation: Operation;
  /** The name that the user gave for the thing waited for. */
  readonly name: string;
}

/**
 * Waits until each operation has ended, or its time is over: CommandError timeout, with the command that
 * goes on waiting.
 */
export async function waitForEach(
  run: Run,
  session: Session,
  waited: readonly Waited[],
): Promise<readonly PromiseSettledResult<Operation>[]> {
  const progress = new Progress(
    run,
    waited.map(({ name }) => name),
  );
  const deadlineMs = performance.now() + (run.timeoutMs ?? patienceMs(waited));
  try {
    return await Promise.allSettled(
      waited.map((one) => waitForOne({ run, session, progress, deadlineMs }, one)),
    );
  } finally {
    progress.end();
  }
}

/** Waits until all operations have ended. @throws what the first that could not be waited for says */
export async function waitForAll(
  run: Run,
  session: Session,
  waited: readonly Waited[],
): Promise<readonly Operation[]> {
  const results = await waitForEach(run, session, waited);
  return results.map((result) => {
    if (result.status === "fulfilled") return result.value;
    throw result.reason;
  });
}

/**
 * An operation of a host takes as long as its guests take, one of an image as long as a disk, and both end by
 * deadlines of their own.
 */
const patienceMs = (waited: readonly Waited[]): number =>
  waited.some(({ operation: { noun } }) => noun === "host" || noun === "image")
    ? Number.POSITIVE_INFINITY
    : wireLimits.waitTimeoutMsDefault;

interface Waiting {
  readonly run: Run;
  readonly session: Session;
  readonly progress: Progress;
  readonly deadlineMs: number;
}

async function waitForOne(
  { run, session, progress, deadlineMs }: Waiting,
  { operation, name }: Waited,
): Promise<Operation> {
  let newest = operation;
  for (;;) {
    progress.show(name, newest);
    if (newest.state !== "running") return newest;
    const leftMs = Math.ceil(deadlineMs - performance.now());
    if (leftMs <= 0) {
      const message = `The ${newest.kind} of ${name} is still under way (${newest.step}).`;
      throw new CommandError("timeout", message, `Go on waiting: novact operation show ${newest.id} --wait.`);
    }
    const waitMs = Math.min(leftMs, commandLimits.progressPeriodMs);
    const options = { signal: run.terminal.signal, timeoutMs: waitMs + wireLimits.timeoutMsDefault };
    newest = (await session.operation.get(newest.id, { waitMs }, options)).operation;
  }
}

/** The display of the operations that are under way. */
class Progress {
  readonly #run: Run;
  readonly #live: boolean;
  readonly #paint: Paint;
  readonly #shown = new Map<string, number>();
  /** By operation: what its newest step said last. */
  readonly #told = new Map<string, string | undefined>();
  readonly #newest = new Map<string, string>();
  readonly #total: number;
  /** Width of the longest name: the lines of several instances stand in columns. */
  readonly #nameWidth: number;
  #ended = 0;
  #lineLength = 0;

  constructor(run: Run, names: readonly string[]) {
    this.#run = run;
    this.#live = run.terminal.err.isTTY === true;
    this.#paint = painter(run.terminal.err, run.terminal.env);
    this.#total = names.length;
    this.#nameWidth = Math.max(0, ...names.map(({ length }) => length));
  }

  show(name: string, operation: Operation): void {
    const from = this.#shown.get(operation.id) ?? 0;
    // A step may say something else later: how far a drain has come.
    const message = operation.steps.at(-1)?.message;
    const again = from === operation.steps.length && this.#told.get(operation.id) !== message ? 1 : 0;
    const fresh = operation.steps.slice(from - again);
    this.#shown.set(operation.id, operation.steps.length);
    this.#told.set(operation.id, message);
    if (!this.#live) {
      for (const { step, atMs, message } of fresh)
        this.#run.remark(stepLine(name.padEnd(this.#nameWidth), operation, { step, atMs, message }));
      return;
    }
    if (operation.state === "running") this.#newest.set(operation.id, liveLine(name, operation));
    else this.#end(name, operation);
    this.#redraw();
  }

  #end(name: string, operation: Operation): void {
    this.#newest.delete(operation.id);
    this.#ended += 1;
    this.#clear();
    this.#run.remark(endLine(name, operation, this.#paint));
  }

  #redraw(): void {
    const [line] = this.#newest.values();
    if (line === undefined) {
      this.#clear();
      return;
    }
    const count = this.#total > 1 ? ` (${this.#ended} of ${this.#total} done)` : "";
    const { columns = 0 } = this.#run.terminal.err;
    const width = columns > 0 ? columns - 1 : 79;
    // A server of another version may name steps and kinds that are not known here.
    const text = plain(`${line}${count}`).slice(0, width);
    this.#run.terminal.err.write(`\r${text.padEnd(this.#lineLength)}`);
    this.#lineLength = text.length;
  }

  #clear(): void {
    if (this.#lineLength > 0) this.#run.terminal.err.write(`\r${" ".repeat(this.#lineLength)}\r`);
    this.#lineLength = 0;
  }

  end(): void {
    this.#clear();
  }
}

function stepLine(
  name: string,
  { startedAtMs }: Operation,
  { step, atMs, message }: { step: string; atMs: number; message: string | undefined },
): string {
  const after = `+${duration(Math.max(0, atMs - startedAtMs))}`.padStart(9);
  return `${plain(name)}  ${after}  ${step}${message === undefined ? "" : `  ${plain(message)}`}`;
}

function liveLine(name: string, { noun, step, percent, kind, startedAtMs, steps }: Operation): string {
  const { atMs = startedAtMs, message } = steps.at(-1) ?? {};
  if (noun === "host" && message !== undefined) return `${plain(name)}: ${kind}, ${plain(message)} …`;
  return `${plain(name)}: ${kind}, ${step}, ${percent} % after ${duration(atMs - startedAtMs)} …`;
}

function endLine(name: string, operation: Operation, paint: Paint): string {
  const { state, kind, startedAtMs, endedAtMs, error } = operation;
  const took = duration((endedAtMs ?? startedAtMs) - startedAtMs);
  if (state === "done") return `${paint("green", "done")} ${plain(name)}: ${kind} in ${took}`;
  const why = error === null ? "" : `: ${plain(error.message)}`;
  return `${paint("red", state)} ${plain(name)}: ${kind} after ${took}${why}`;
}
