/**
 * novact logs: what the processes of a cluster on this computer wrote about a request or an instance, in the
 * order of time. It reads files of the state directory and, for an instance's name, asks the cluster.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import type { LogFiles } from "../../logs/files.ts";
import { logLimits } from "../../logs/limits.ts";
import type { LogLine, LogQuestion } from "../../logs/lines.ts";
import { CommandError } from "../errors.ts";
import { parseDuration, time } from "../format.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import { plain, type Style } from "../terminal.ts";

interface LogOptions {
  readonly request?: string;
  readonly instance?: string;
  readonly since?: Since;
  readonly follow?: boolean;
}

/** A time, or how long ago it was. */
type Since = { readonly atMs: number } | { readonly agoMs: number };

export function logsCommand(invoke: Invoke): Command {
  return new Command("logs")
    .description("Shows the lines of all logs of a cluster on this computer, in the order of time.")
    .option("--request <id>", "only about the command with this request id")
    .option("--instance <instance>", "only about this instance, by name or id")
    .option("--since <time>", "only since this time, or so long ago: 10m, 2026-11-29T03:00", parseSince)
    .option("--follow", "go on as they grow, until Ctrl-C")
    .action((options: LogOptions, command: Command) =>
      invoke(command, async (run) => {
        if (run.terminal.env.NOVACT_URL !== undefined)
          throw new CommandError(
            "usage",
            "Logs are read from the state directory of this computer, and NOVACT_URL names a cluster elsewhere.",
            "Run this on the cluster's computer, without NOVACT_URL.",
          );
        // Imported only here: no other command needs the configuration.
        const { LogFiles, logDirectory } = await import("../../logs/files.ts");
        const files = new LogFiles(logDirectory(run.config), await questionOf(run, options));
        await show(run, files);
        if (options.follow === true) await follow(run, files);
        return 0;
      }),
    );
}

function parseSince(text: string): Since {
  const atMs = Date.parse(text);
  if (/^\d{4}-/.test(text) && !Number.isNaN(atMs)) return { atMs };
  if (/^\d{4}-/.test(text)) throw new InvalidArgumentError("Give a time such as 2026-11-29T03:00.");
  return { agoMs: parseDuration(text) };
}

async function questionOf(run: Run, { request, instance, since }: LogOptions): Promise<LogQuestion> {
  const sinceMs =
    since === undefined ? undefined : "atMs" in since ? since.atMs : run.terminal.nowMs() - since.agoMs;
  return {
    ...(request === undefined ? {} : { requestId: request }),
    ...(instance === undefined ? {} : { instanceId: await instanceId(run, await run.session(), instance) }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}

async function show(run: Run, files: LogFiles): Promise<void> {
  const lines = await files.look();
  for (const line of lines) print(run, line);
  if (files.leftOut > 0)
    run.remark(
      `${files.leftOut} older lines are not shown; --since, --request and --instance narrow it down.`,
    );
  if (lines.length === 0 && !run.json) run.remark("There are none.");
}

async function follow(run: Run, files: LogFiles): Promise<void> {
  const { signal } = run.terminal;
  while (!signal.aborted) {
    try {
      await sleep(logLimits.followPeriodMs, undefined, { signal });
    } catch {
      // Ctrl-C.
      return;
    }
    for (const line of await files.look()) print(run, line);
  }
}

const styles: Readonly<Record<string, Style>> = { error: "red", warn: "yellow", debug: "dim" };

function print(run: Run, line: LogLine): void {
  if (run.json) {
    run.emit(line);
    return;
  }
  const { atMs, process, level, message, fields } = line;
  const head = `${run.paint("dim", time(atMs))}  ${plain(process).padEnd(12)}  `;
  const rest = Object.entries(fields).map(([name, value]) => `${plain(name)}=${plain(textOf(value))}`);
  run.print(
    `${head}${run.paint(styles[level], plain(level).padEnd(5))}  ${plain(message)}  ${rest.join(" ")}`,
  );
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
