/**
 * The verbs that change instances: start, stop, reboot, pause, unpause, delete, evacuate; each for one
 * instance or several, named or chosen.
 */
import { Argument, Command } from "commander";
import type { Changed } from "../../../protocol/instance.ts";
import type { Operation } from "../../../protocol/operation.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { CommandError } from "../errors.ts";
import { parseDuration } from "../format.ts";
import { chosenColumns } from "../lists/columns.ts";
import { waitForEach } from "../progress.ts";
import { repeatable } from "../repeatable.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { eachOf } from "../several/each.ts";
import { type Refusal, tellRefusals, tellSummary, worstExit } from "../several/report.ts";
import { plain } from "../terminal.ts";
import { type Choice, type Chosen, choiceOptions, choose } from "./chosen-instances.ts";
import { instanceColumns } from "./instance-view.ts";

interface VerbOptions extends Choice {
  readonly wait?: boolean;
  readonly requestId?: string;
  readonly hard?: boolean;
  readonly grace?: number;
}

type Send = (session: Session, id: string, options: VerbOptions, run: Run) => Promise<Changed>;

export function verbCommands(invoke: Invoke): readonly Command[] {
  const simple = (name: "start" | "pause" | "unpause" | "delete", summary: string) =>
    verb(invoke, { name, summary }, (session, id, options, run) =>
      session.instance[name](id, {}, run.call(options)),
    );
  return [
    simple("start", "Starts stopped or failed instances."),
    stopCommand(invoke),
    rebootCommand(invoke),
    simple("pause", "Freezes the CPUs of running instances; their memory stays."),
    simple("unpause", "Lets paused instances go on."),
    simple("delete", "Deletes instances in any state, also in the middle of a build."),
    verb(
      invoke,
      { name: "evacuate", summary: "Takes instances from their fenced host to another one; for operators." },
      async (_session, id, options, run) =>
        (await run.adminSession()).instance.evacuate(id, {}, run.call(options)),
    ),
  ];
}

function stopCommand(invoke: Invoke): Command {
  return verb(
    invoke,
    { name: "stop", summary: "Stops instances; their disks stay." },
    (session, id, options, run) =>
      session.instance.stop(
        id,
        {
          ...(options.hard === true ? { mode: "hard" as const } : {}),
          ...(options.grace === undefined ? {} : { timeoutMs: options.grace }),
        },
        run.call(options),
      ),
  )
    .option("--hard", "do not ask the guest, halt it at once")
    .option(
      "--grace <time>",
      "how long the guest may take before it is halted, such as 30s; a bare number is seconds",
      parseDuration,
    );
}

function rebootCommand(invoke: Invoke): Command {
  return verb(
    invoke,
    { name: "reboot", summary: "Reboots running instances." },
    (session, id, options, run) =>
      session.instance.reboot(id, options.hard === true ? { mode: "hard" } : {}, run.call(options)),
  ).option("--hard", "do not ask the guest, reset it at once");
}

function verb(invoke: Invoke, { name, summary }: { name: string; summary: string }, send: Send): Command {
  const command = new Command(name)
    .description(summary)
    .addArgument(new Argument("[instance...]", "their ids or names; or choose them by the options below"));
  return choiceOptions(command)
    .option("--wait", "wait for the end, and show the steps")
    .option(
      "--request-id <id>",
      "the same id again does nothing twice and gives the same answer; for one instance",
    )
    .action((keys: string[], options: VerbOptions, command: Command) =>
      invoke(command, (run) => sendToAll(run, keys, { verb: name, options, send })),
    );
}

/**
 * Sends the command to each instance, whatever becomes of the others; the worst error gives the exit code.
 */
async function sendToAll(
  run: Run,
  keys: readonly string[],
  { verb, options, send }: { readonly verb: string; readonly options: VerbOptions; readonly send: Send },
): Promise<number> {
  if (keys.length !== 1 && options.requestId !== undefined)
    throw new CommandError("usage", "A request id belongs to one instance.", "Name one instance at a time.");
  const { chosen, refusals, single } = await choose(run, { verb, keys, choice: options });
  const session = await run.session();
  if (single && refusals[0] !== undefined) throw refusals[0].thrown;
  if (options.dryRun === true) return showChosen(run, session, { verb, chosen, refusals });
  const outcomes = await eachOf(chosen, ({ id }) => {
    const again = {
      line: `novact instance ${verb} ${id}`,
      requestId: options.requestId ?? session.newRequestId(),
    };
    return repeatable(again, (requestId) => send(session, id, { ...options, requestId }, run));
  });
  run.terminal.signal.throwIfAborted();
  const refused = outcomes.flatMap((outcome, at): Refusal[] =>
    outcome.status === "rejected" ? [{ name: chosen[at]?.name ?? "", thrown: outcome.reason }] : [],
  );
  if (single && refused[0] !== undefined) throw refused[0].thrown;
  const changes = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  if (changes.length + refused.length + refusals.length === 0) run.remark(`There are none to ${verb}.`);
  const place = ({ name }: Refusal): number => keys.indexOf(name);
  const all = [...refusals, ...refused].sort((one, other) => place(one) - place(other));
  return finishChanges(run, session, { changes, refusals: all, verb, wait: options.wait ?? false, single });
}

/** The instances a command would go to, as `instance list` shows them. */
async function showChosen(
  run: Run,
  session: Session,
  {
    verb,
    chosen,
    refusals,
  }: { readonly verb: string; readonly chosen: readonly Chosen[]; readonly refusals: readonly Refusal[] },
): Promise<number> {
  const found = await eachOf(chosen, ({ id }) => session.instance.get(id, {}, run.call()));
  const rows = found.flatMap((result) => (result.status === "fulfilled" ? [result.value.instance] : []));
  const missing = found.flatMap((result, at): Refusal[] =>
    result.status === "rejected" ? [{ name: chosen[at]?.name ?? "", thrown: result.reason }] : [],
  );
  if (run.json) run.emit(run.bare ? rows : { items: rows });
  else if (rows.length > 0) {
    const { renderTable } = await import("../table.ts");
    const columns = instanceColumns(run.terminal.nowMs(), session.project === "admin");
    run.print(
      renderTable(chosenColumns(columns, undefined, run.output.kind === "wide"), rows, run.tableOptions),
    );
  }
  const exit = tellRefusals(run, [...refusals, ...missing]);
  run.remark(`Dry run: ${rows.length} would be asked to ${verb}. Nothing was done.`);
  return exit;
}

export interface Changes {
  readonly changes: readonly Changed[];
  readonly wait: boolean;
  /** One instance was named: its JSON is an object, else an array. */
  readonly single: boolean;
  /** As typed; for the summary of several. */
  readonly verb: string;
  /** Errors of those that were not changed. */
  readonly refusals?: readonly Refusal[];
}

/** Waits for the operations if asked to, shows the result, then what went wrong, and the sum of it last. */
export async function finishChanges(run: Run, session: Session, asked: Changes): Promise<number> {
  const { changes, wait, single, verb, refusals = [] } = asked;
  const ends = wait ? await showEnds(run, session, asked) : [];
  if (!wait) show(run, changes, single);
  const late = ends.flatMap(({ late }) => (late === undefined ? [] : [late]));
  if (single && late[0] !== undefined) throw late[0].thrown;
  const failed = ends.flatMap(({ operation: { state }, operation }) =>
    state === "failed" || state === "cancelled" ? [operation] : [],
  );
  const exits = [
    tellRefusals(run, [...refusals, ...late]),
    ...failed.map((operation) => exitOf(run, operation)),
  ];
  const counts = {
    [wait ? "done" : "under way"]: changes.length - failed.length - late.length,
    ...(wait ? { "under way": late.length } : {}),
    failed: failed.length,
    refused: refusals.length,
  };
  tellSummary(run, verb, { total: changes.length + refusals.length, counts });
  return worstExit(exits);
}

/** The end of an operation that `--wait` has waited for. */
interface End {
  readonly operation: Operation;
  /** The time was over, or the wait failed. */
  readonly late: Refusal | undefined;
}

async function showEnds(run: Run, session: Session, { changes, single }: Changes): Promise<readonly End[]> {
  const waited = changes.map(({ instance, operation }) => ({ operation, name: instance.name }));
  const results = await waitForEach(run, session, waited);
  run.terminal.signal.throwIfAborted();
  const ends = changes.map(({ instance: { name }, operation }, at): End => {
    const result = results[at];
    if (result?.status === "fulfilled") return { operation: result.value, late: undefined };
    return { operation, late: { name, thrown: result?.reason } };
  });
  const found = await eachOf(changes, ({ instance }) => session.instance.get(instance.id, {}, run.call()));
  const ended = changes.map(({ instance, operation }, at) => {
    const result = found[at];
    return {
      instance: result?.status === "fulfilled" ? result.value.instance : instance,
      operation: ends[at]?.operation ?? operation,
    };
  });
  if (single && ends[0]?.late !== undefined) return ends;
  if (run.json) run.emit(single ? ended[0] : ended);
  else for (const { instance } of ended) run.print(changeLine(run, instance));
  return ends;
}

function show(run: Run, changes: readonly Changed[], single: boolean): void {
  if (run.json) {
    run.emit(single ? changes[0] : changes);
    return;
  }
  for (const { instance, operation } of changes) {
    const under =
      operation.state === "running"
        ? `${operation.kind} under way: operation ${operation.id}`
        : operation.state;
    run.print(`${changeLine(run, instance)}  ${run.paint("dim", under)}`);
  }
}

function changeLine(run: Run, { id, name, state, hostName }: Changed["instance"]): string {
  const where = hostName === null || state === "deleted" ? "" : ` on ${hostName}`;
  return `${id}  ${plain(name)}  ${run.paint("bold", plain(`${state}${where}`))}`;
}

/** The exit code of an operation that did not end well, with its reason where nobody has shown it yet. */
function exitOf(run: Run, { error }: Operation): number {
  if (error === null) return exitCodes.conflict.exit;
  if (!run.json) run.tell(error);
  return exitCodeOf(error.code);
}
