/**
 * The verbs that change instances: start, stop, reboot, pause, unpause, delete, evacuate; each for one
 * instance or several.
 */
import { Argument, Command } from "commander";
import type { Changed } from "../../../protocol/instance.ts";
import type { Operation } from "../../../protocol/operation.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { CommandError, exitCodeFor, shownOf } from "../errors.ts";
import { parseDuration } from "../format.ts";
import { waitForAll } from "../progress.ts";
import { repeatable } from "../repeatable.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";

interface VerbOptions {
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
  return new Command(name)
    .description(summary)
    .addArgument(new Argument("<instance...>", "their ids or names"))
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
 * Sends the command to each instance, whatever happened to the others; the first failure gives the exit code.
 */
async function sendToAll(
  run: Run,
  keys: readonly string[],
  { verb, options, send }: { readonly verb: string; readonly options: VerbOptions; readonly send: Send },
): Promise<number> {
  const session = await run.session();
  const wait = options.wait ?? false;
  const single = keys.length === 1;
  if (!single && options.requestId !== undefined)
    throw new CommandError("usage", "A request id belongs to one instance.", "Name one instance at a time.");
  const outcomes = await Promise.allSettled(
    keys.map(async (key) => {
      const id = await instanceId(run, session, key);
      const again = {
        line: `novact instance ${verb} ${id}`,
        requestId: options.requestId ?? session.newRequestId(),
      };
      return repeatable(again, (requestId) => send(session, id, { ...options, requestId }, run));
    }),
  );
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : [],
  );
  if (single && failures.length > 0) throw failures[0];
  for (const failure of failures) run.tell(shownOf(failure));
  const changes = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const exit = await finishChanges(run, session, { changes, wait, single });
  return failures.length > 0 ? exitCodeFor(failures[0]) : exit;
}

export interface Changes {
  readonly changes: readonly Changed[];
  readonly wait: boolean;
  /** One instance was named: JSON output is an object, else an array. */
  readonly single: boolean;
}

/** Waits for the operations if asked to, and shows the result. */
export async function finishChanges(
  run: Run,
  session: Session,
  { changes, wait, single }: Changes,
): Promise<number> {
  if (!wait) {
    show(run, changes, single);
    return exitCodes.ok.exit;
  }
  const waited = changes.map(({ instance, operation }) => ({ operation, name: instance.name }));
  const operations = await waitForAll(run, session, waited);
  const ended = await Promise.all(
    changes.map(async ({ instance }, at) => ({
      instance: (await session.instance.get(instance.id, {}, run.call())).instance,
      operation: operations[at] ?? changes[at]?.operation,
    })),
  );
  if (run.json) run.emit(single ? ended[0] : ended);
  else for (const { instance } of ended) run.print(changeLine(run, instance));
  return exitOf(run, operations);
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
  return `${id}  ${name}  ${run.paint("bold", `${state}${where}`)}`;
}

/**
 * The exit code of the first operation that did not end well, with its reason where the terminal has not
 * shown it already.
 */
function exitOf(run: Run, operations: readonly Operation[]): number {
  const bad = operations.find(({ state }) => state === "failed" || state === "cancelled");
  if (bad === undefined) return exitCodes.ok.exit;
  if (bad.error === null) return exitCodes.conflict.exit;
  if (!run.json) run.tell(bad.error);
  return exitCodeOf(bad.error.code);
}
