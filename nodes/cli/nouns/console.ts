/** novact instance console: the serial console's log: whole, its tail, or as it grows. */
import { Command } from "commander";
import { CommandError } from "../errors.ts";
import { parseCount } from "../format.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { harmless } from "../terminal.ts";

interface ConsoleOptions {
  readonly tail?: number;
  readonly follow?: boolean;
  readonly offset?: number;
}

export function consoleCommand(invoke: Invoke): Command {
  return new Command("console")
    .description("Prints the serial console's log. On a terminal it takes out what would steer the terminal.")
    .argument("<instance>", "its id or name")
    .option("--tail <n>", "only the last lines", parseCount)
    .option("--follow", "go on as it grows, until Ctrl-C")
    .option("--offset <byte>", "from this position; not together with --tail", parseCount)
    .action((key: string, options: ConsoleOptions, command: Command) =>
      invoke(command, async (run) => {
        if (options.tail !== undefined && options.offset !== undefined)
          throw new CommandError(
            "usage",
            "The options --tail and --offset contradict each other.",
            "Give one of them.",
          );
        const session = await run.session();
        await print({ run, session, id: await instanceId(run, session, key) }, options);
        return 0;
      }),
    );
}

interface Source {
  readonly run: Run;
  readonly session: Session;
  readonly id: string;
}

/** Prints the whole log; then, when following, new text as it comes, across interruptions. */
async function print({ run, session, id }: Source, { tail, follow, offset }: ConsoleOptions): Promise<void> {
  const output = new ConsoleOutput(run, follow === true);
  const start = tail === undefined ? { offset: offset ?? 0 } : { tailLines: Math.max(1, tail) };
  let page = await session.instance.console(id, start, run.call());
  if (offset !== undefined && page.offset > offset)
    run.remark(`(the bytes from ${offset} to ${page.offset} are no longer kept)`);
  output.page(page);
  while (page.more) {
    page = await session.instance.console(id, { offset: page.nextOffset }, run.call());
    output.page(page);
  }
  output.end();
  if (follow !== true) return;
  const { signal } = run.terminal;
  for await (const text of session.console(id, { follow: true, offset: page.nextOffset, signal }))
    output.text(text);
}

interface Page {
  readonly text: string;
  readonly offset: number;
  readonly nextOffset: number;
}

/** Prints text as it comes; as JSON one line for each page when following, else one value at the end. */
class ConsoleOutput {
  readonly #run: Run;
  readonly #follow: boolean;
  readonly #pages: Page[] = [];
  #endedLine = true;

  constructor(run: Run, follow: boolean) {
    this.#run = run;
    this.#follow = follow;
  }

  page(page: Page): void {
    if (this.#run.json && !this.#follow) this.#pages.push(page);
    else this.text(page.text);
  }

  text(text: string): void {
    if (text === "") return;
    const { out } = this.#run.terminal;
    if (this.#run.json) this.#run.emit({ text });
    // In a pipe too: at its end there may be a terminal. As JSON it is as the guest wrote it.
    else out.write(harmless(text));
    this.#endedLine = text.endsWith("\n");
  }

  end(): void {
    if (this.#follow) return;
    // The shell's prompt must begin on a line of its own.
    if (!this.#run.json && this.#run.terminal.out.isTTY === true && !this.#endedLine) this.#run.print("");
    if (!this.#run.json) return;
    const [first] = this.#pages;
    const last = this.#pages.at(-1);
    const text = this.#pages.map((page) => page.text).join("");
    this.#run.emit({ text, offset: first?.offset ?? 0, nextOffset: last?.nextOffset ?? 0 });
  }
}
