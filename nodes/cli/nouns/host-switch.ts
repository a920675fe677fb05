/**
 * novact host enable, disable, drain: what is done to several hosts at once. Each host is asked whatever
 * became of the others; a line tells of each, and the errors come last.
 */
import { Command, Option } from "commander";
import type { Drain, Host } from "../../../protocol/host.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import type { Operation } from "../../../protocol/operation.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { CommandError, type ErrorStyle, errorText, exitCodeFor, shownOf } from "../errors.ts";
import { parsePositive } from "../format.ts";
import { jsonOf } from "../output/values.ts";
import { type Waited, waitForAll } from "../progress.ts";
import { repeatable } from "../repeatable.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { painter, plain } from "../terminal.ts";

export const requestIdOption = [
  "--request-id <id>",
  "the same id again does nothing twice and gives the same answer; for one host",
] as const;

/** What the answer about one host may have. */
interface Answered {
  readonly host: Host;
  readonly drain?: Drain;
  readonly operation?: Operation;
}

interface Options {
  readonly reason?: string;
  readonly parallel?: number;
  readonly wait?: boolean;
  readonly requestId?: string;
}

interface Verb {
  readonly name: "enable" | "disable" | "drain";
  readonly summary: string;
  /** The host's state afterwards, in a word. */
  readonly becomes: string;
  readonly send: (session: Session, key: string, asked: Asked) => Promise<Answered>;
}

interface Asked extends Options {
  readonly call: ReturnType<Run["call"]>;
}

export function switchCommands(invoke: Invoke): readonly Command[] {
  const enable: Verb = {
    ...{
      name: "enable",
      becomes: "enabled",
      summary: "Lets the scheduler choose the hosts again; ends a drain.",
    },
    send: (session, key, { call }) => session.host.enable(key, {}, call),
  };
  const disable: Verb = {
    ...{ name: "disable", becomes: "disabled" },
    summary: "Keeps new instances away from the hosts; what runs there runs on.",
    send: (session, key, asked) => session.host.disable(key, { reason: asked.reason ?? "" }, asked.call),
  };
  const drain: Verb = {
    ...{ name: "drain", becomes: "draining" },
    summary: "Disables the hosts and moves what is on them elsewhere; host enable ends that.",
    send: (session, key, { reason = "", parallel, call }) =>
      session.host.drain(key, { reason, ...(parallel === undefined ? {} : { parallelism: parallel }) }, call),
  };
  return [
    command(invoke, enable),
    command(invoke, disable).option(...reasonOption),
    command(invoke, drain)
      .option(...reasonOption)
      .addOption(
        new Option(
          "--parallel <n>",
          `so many leave a host at once (default: ${placementLimits.drainParallelismDefault})`,
        ).argParser(parsePositive),
      )
      .option("--wait", "wait until the hosts are empty, or what is left stays; shows how far it is"),
  ];
}

const reasonOption = ["--reason <text>", "why, needed; other operators will read it"] as const;

function command(invoke: Invoke, verb: Verb): Command {
  return new Command(verb.name)
    .description(verb.summary)
    .argument("<host...>", "their ids or names")
    .option(...requestIdOption)
    .action((keys: string[], options: Options, typed: Command) =>
      invoke(typed, (run) => sendToAll(run, keys, { verb, options })),
    );
}

interface Sending {
  readonly verb: Verb;
  readonly options: Options;
}

/** Sends the command to each host; the first failure gives the exit code. */
async function sendToAll(run: Run, keys: readonly string[], { verb, options }: Sending): Promise<number> {
  const single = keys.length === 1;
  assertSaid(verb, options, single);
  const session = await run.adminSession();
  const outcomes = await Promise.allSettled(keys.map((key) => sendTo(run, session, key, { verb, options })));
  const failures = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (single && failures.length > 0) throw failures[0];
  const answers = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const ended = options.wait === true ? await endsOf(run, session, answers) : answers;
  show(run, ended, { verb, options, single });
  for (const failure of failures) run.terminal.err.write(failureText(run, failure));
  if (failures.length > 0) return exitCodeFor(failures[0]);
  return options.wait === true ? exitOf(run, ended) : exitCodes.ok.exit;
}

/** @throws CommandError usage */
function assertSaid({ name }: Verb, { reason, requestId }: Options, single: boolean): void {
  if (name !== "enable" && reason === undefined)
    throw new CommandError("usage", "Say why: other operators will read it.", "Add --reason TEXT.");
  if (!single && requestId !== undefined)
    throw new CommandError("usage", "A request id belongs to one host.", "Name one host at a time.");
}

async function sendTo(
  run: Run,
  session: Session,
  key: string,
  { verb, options }: Sending,
): Promise<Answered> {
  const { wait: _, ...asked } = options;
  const again = {
    line: "the same command with",
    requestId: options.requestId ?? session.newRequestId(),
  };
  return repeatable(again, (requestId) =>
    verb.send(session, key, { ...asked, call: run.call({ requestId }) }),
  );
}

/** The answers as they are when their operations have ended. */
async function endsOf(
  run: Run,
  session: Session,
  answers: readonly Answered[],
): Promise<readonly Answered[]> {
  const waited = answers.flatMap(({ host, operation }): Waited[] =>
    operation === undefined ? [] : [{ operation, name: host.name }],
  );
  const operations = await waitForAll(run, session, waited);
  return Promise.all(
    answers.map(async (answer) => {
      const operation = operations.find(({ id }) => id === answer.operation?.id);
      if (operation === undefined) return answer;
      return { ...(await session.host.get(answer.host.id, {}, run.call())), operation };
    }),
  );
}

interface Shown extends Sending {
  readonly single: boolean;
}

function show(run: Run, answers: readonly Answered[], { verb, options, single }: Shown): void {
  if (run.json) {
    const hosts = answers.map(({ host, ...more }) => ({ ...host, ...more }));
    run.emit(single ? hosts[0] : hosts);
    return;
  }
  for (const { host, drain, operation } of answers) {
    const word = options.wait === true && operation !== undefined ? endWord(operation) : verb.becomes;
    const under = operation?.state === "running" ? run.paint("dim", `  operation ${operation.id}`) : "";
    run.print(`${plain(host.name)}  ${run.paint("bold", word)}${under}`);
    if (operation?.state !== "failed")
      for (const { name, why } of drain?.cannot ?? [])
        run.print(`  ${run.paint("yellow", "stays")}  ${plain(name)}: ${plain(why)}`);
  }
  const underWay = answers.flatMap(({ operation }) => (operation?.state === "running" ? [operation.id] : []));
  if (underWay[0] !== undefined) run.remark(`Wait for the end: novact operation show ${underWay[0]} --wait`);
}

function endWord({ state, steps }: Operation): string {
  const said = steps.at(-1)?.message;
  if (state === "done") return said === undefined ? "drained" : `drained: ${plain(said)}`;
  return state;
}

function failureText(run: Run, failure: unknown): string {
  const shown = shownOf(failure);
  if (run.json) return `${jsonOf({ error: shown })}\n`;
  return errorText(shown, styleOf(run));
}

/** The exit code of the first operation that did not end well; its error, with all that stays, is told. */
function exitOf(run: Run, answers: readonly Answered[]): number {
  const bad = answers.flatMap(({ operation }) => operation ?? []).filter(({ state }) => state !== "done");
  if (!run.json)
    for (const { error } of bad) if (error !== null) run.terminal.err.write(errorText(error, styleOf(run)));
  const [first] = bad;
  if (first === undefined) return exitCodes.ok.exit;
  return first.error === null ? exitCodes.conflict.exit : exitCodeOf(first.error.code);
}

const styleOf = (run: Run): ErrorStyle => ({
  json: false,
  paint: painter(run.terminal.err, run.terminal.env),
  typed: (text) => run.typed(text),
});
