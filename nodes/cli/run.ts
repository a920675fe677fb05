/**
 * One run of one command: its global options, its connection (opened when first needed, closed at the end),
 * its output. Results go to stdout, as a table or as one JSON value; progress and remarks go to stderr.
 */
import type { Command } from "commander";
import type { CallOptions } from "../../protocol/wire/service.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { commandAgain } from "../package/typed-command.ts";
import { CommandError, errorText, type Shown } from "./errors.ts";
import { asTyped } from "./hints.ts";
import { commandLimits } from "./limits.ts";
import { isText, type Output } from "./output/formats.ts";
import { loadYaml, writeValue, type Yaml } from "./output/values.ts";
import type { Connect, Session } from "./session.ts";
import type { Column, TableOptions } from "./table.ts";
import { type Paint, painter, seen, type Terminal } from "./terminal.ts";

export interface GlobalOptions {
  readonly json?: boolean;
  readonly output?: Output;
  readonly project?: string;
  readonly timeout?: number;
  readonly config?: string;
}

/** Runs the body of a command. The body answers the exit code; undefined is 0. */
export type Invoke = (command: Command, body: (run: Run) => Promise<number | undefined>) => Promise<void>;

export class Run {
  readonly terminal: Terminal;
  readonly output: Output;
  /** True: the result is printed as a value, in whichever format, and not as text for people. */
  readonly json: boolean;
  /** True with `--json`: a list is the array of its rows, and nothing around them. */
  readonly bare: boolean;
  /** The words of the command line. */
  readonly argv: readonly string[];
  readonly project: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly paint: Paint;
  readonly #connect: Connect;
  readonly config: string | undefined;
  #yaml: Yaml | undefined;
  readonly #sessions = new Map<string | undefined, Promise<Session>>();

  /** @throws CommandError for two formats at once */
  constructor(
    terminal: Terminal,
    connect: Connect,
    { argv = [], ...options }: GlobalOptions & { readonly argv?: readonly string[] },
  ) {
    if (options.json === true && options.output !== undefined)
      throw new CommandError(
        "usage",
        "The options --json and --output contradict each other.",
        "Give one of them.",
      );
    this.terminal = terminal;
    this.argv = argv;
    this.bare = options.json ?? false;
    this.output = options.output ?? { kind: this.bare ? "json" : "table" };
    this.json = !isText(this.output);
    this.project = options.project;
    this.timeoutMs = options.timeout;
    this.paint = painter(terminal.out, terminal.env);
    this.#connect = connect;
    this.config = options.config;
  }

  /** The API in the user's project. */
  session(): Promise<Session> {
    return this.#open(this.project);
  }

  /** The API in the project `admin`. */
  adminSession(): Promise<Session> {
    return this.#open(adminProject);
  }

  #open(project: string | undefined): Promise<Session> {
    const known = this.#sessions.get(project);
    if (known !== undefined) return known;
    const opening = this.#connect({
      ...(project === undefined ? {} : { project }),
      ...(this.config === undefined ? {} : { config: this.config }),
      connectTimeoutMs: this.timeoutMs ?? commandLimits.commandConnectTimeoutMs,
    });
    this.#sessions.set(project, opening);
    return opening;
  }

  /**
   * The options of one call. `atLeastMs`: least time-out, for methods that take longer than others by nature.
   */
  call(options: { readonly requestId?: string | undefined; readonly atLeastMs?: number } = {}): CallOptions {
    const timeoutMs = this.timeoutMs ?? options.atLeastMs;
    return {
      signal: this.terminal.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
    };
  }

  print(text: string): void {
    this.terminal.out.write(seen(text.endsWith("\n") ? text : `${text}\n`));
  }

  /** Prints a remark for people, beside the result. */
  remark(text: string): void {
    this.terminal.err.write(`${seen(this.typed(text))}\n`);
  }

  /** A hint in the words that can be typed here, for the same cluster and project. */
  readonly typed = (text: string): string =>
    asTyped(text, commandAgain(this.terminal.command, { config: this.config, project: this.project }));

  /** Tells an error beside the result, as a command that ends with it does. */
  tell(shown: Shown): void {
    const paint = painter(this.terminal.err, this.terminal.env);
    this.terminal.err.write(
      errorText(shown, { json: this.output.kind === "json", paint, typed: this.typed }),
    );
  }

  /** Loads what only some formats need; to be called before anything is printed. */
  async prepare(): Promise<void> {
    if (this.output.kind === "yaml") this.#yaml = await loadYaml();
  }

  /** Prints a value: one result, or one more of a stream. */
  emit(value: unknown): void {
    writeValue(this.terminal.out, { output: this.output, yaml: this.#yaml }, value);
  }

  /** Columns for text: those of the terminal; in a pipe commandLimits.pipeColumns. */
  get width(): number {
    const { isTTY, columns = 0 } = this.terminal.out;
    return isTTY === true && columns > 0 ? columns : commandLimits.pipeColumns;
  }

  /** How tables are printed: within the width, unless all of them was asked for. */
  get tableOptions(): TableOptions {
    const width = this.output.kind === "wide" ? undefined : this.width;
    return { paint: this.paint, width, steady: this.terminal.out.isTTY !== true };
  }

  /** Prints the rows as a table, or `raw` as a value. */
  async list<T>(rows: readonly T[], columns: readonly Column<T>[], raw: unknown = rows): Promise<void> {
    if (this.json) return this.emit(raw);
    const { renderTable } = await import("./table.ts");
    if (rows.length === 0) this.remark("There are none.");
    else this.print(renderTable(columns, rows, this.tableOptions));
  }

  async close(): Promise<void> {
    const sessions = await Promise.allSettled(this.#sessions.values());
    await Promise.all(
      sessions.map((opened) => (opened.status === "fulfilled" ? opened.value.close() : undefined)),
    );
  }
}
