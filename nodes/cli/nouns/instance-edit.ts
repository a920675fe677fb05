/**
 * The commands set, lock and unlock: they change an instance's row and no guest. Each is done when the server
 * answers, so that no command here waits for an operation.
 */
import { Argument, Command } from "commander";
import type { Instance } from "../../../protocol/instance.ts";
import { exitCodes } from "../../package/exit-codes.ts";
import { CommandError, exitCodeFor, shownOf } from "../errors.ts";
import { parsePair } from "../format.ts";
import { repeatable } from "../repeatable.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";

interface SetOptions {
  readonly name?: string;
  /** False: none is wanted any more. */
  readonly description?: string | false;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function editCommands(invoke: Invoke): readonly Command[] {
  return [setCommand(invoke), lockCommand(invoke), unlockCommand(invoke)];
}

function setCommand(invoke: Invoke): Command {
  return edit(invoke, "set", (options: SetOptions) => {
    const request = setRequest(options);
    if (Object.keys(request).length === 0)
      throw new CommandError("usage", "Nothing is to be set.", "Give --name, --description or --metadata.");
    return (session, id, call) => session.instance.set(id, request, call);
  })
    .description("Changes name, description or metadata of instances; what is not named stays.")
    .option("--name <name>", "another name; need not be unique")
    .option("--description <text>", "what they are for, in words of your own")
    .option("--no-description", "takes the description away")
    .option(
      "--metadata <key=value>",
      "a pair to set; without a value it is taken away; repeatable",
      parsePair,
    );
}

function setRequest({ name, description, metadata = {} }: SetOptions) {
  const pairs = Object.entries(metadata).map(([key, value]) => [key, value === "" ? null : value] as const);
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description: description === false ? null : description }),
    ...(pairs.length === 0 ? {} : { metadata: Object.fromEntries(pairs) }),
  };
}

function lockCommand(invoke: Invoke): Command {
  return edit(invoke, "lock", ({ reason }: { readonly reason?: string }) => {
    const request = reason === undefined ? {} : { reason };
    return (session, id, call) => session.instance.lock(id, request, call);
  })
    .description("Keeps a project from changing instances until they are unlocked.")
    .option("--reason <text>", "why, for whoever is refused; locked ones get it as their new reason");
}

function unlockCommand(invoke: Invoke): Command {
  return edit(
    invoke,
    "unlock",
    () => (session, id, call) => session.instance.unlock(id, {}, call),
  ).description("Unlocks instances; what operators locked only with --project admin.");
}

type Send = (
  session: Session,
  id: string,
  call: ReturnType<Run["call"]>,
) => Promise<{ readonly instance: Instance }>;

function edit<O extends object>(invoke: Invoke, name: string, sending: (options: O) => Send): Command {
  return new Command(name)
    .addArgument(new Argument("<instance...>", "their ids or names"))
    .option("--request-id <id>", "the same id again gives the same answer; for one instance")
    .action((keys: string[], options: O & { readonly requestId?: string }, command: Command) =>
      invoke(command, (run) => {
        const { requestId } = options;
        if (keys.length > 1 && requestId !== undefined)
          throw new CommandError("usage", "A request id belongs to one instance.", "Name one at a time.");
        return editAll(run, keys, { name, requestId, send: sending(options) });
      }),
    );
}

interface Editing {
  readonly name: string;
  readonly requestId: string | undefined;
  readonly send: Send;
}

/** Edits each of them, whatever happened to the others; the first failure gives the exit code. */
async function editAll(run: Run, keys: readonly string[], editing: Editing): Promise<number> {
  const session = await run.session();
  const outcomes = await Promise.allSettled(keys.map((key) => editOne(run, session, { ...editing, key })));
  const failures: unknown[] = [];
  const edited: Instance[] = [];
  for (const outcome of outcomes)
    if (outcome.status === "fulfilled") edited.push(outcome.value);
    else failures.push(outcome.reason);
  if (keys.length === 1 && failures.length > 0) throw failures[0];
  if (run.json) run.emit(keys.length === 1 ? edited[0] : edited);
  else for (const instance of edited) run.print(editedLine(run, instance, editing.name));
  for (const failure of failures) run.tell(shownOf(failure));
  return failures.length > 0 ? exitCodeFor(failures[0]) : exitCodes.ok.exit;
}

async function editOne(
  run: Run,
  session: Session,
  { key, name, requestId, send }: Editing & { readonly key: string },
): Promise<Instance> {
  const id = await instanceId(run, session, key);
  const again = {
    line: `novact instance ${name} ${id}, with the same options and`,
    requestId: requestId ?? session.newRequestId(),
  };
  const { instance } = await repeatable(again, (one) => send(session, id, run.call({ requestId: one })));
  return instance;
}

/** What it is now; after `set` also what can be set. */
function editedLine(run: Run, instance: Instance, verb: string): string {
  const { id, name, description, metadata } = instance;
  const lock = lockText(instance);
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  const said = verb === "set" ? [...(description ? [description] : []), ...pairs] : [];
  const shown = [...said, ...(verb === "unlock" || lock !== undefined ? [lockWords(lock)] : [])];
  return [id, plain(name), ...(shown.length === 0 ? [] : [run.paint("dim", plain(shown.join(", ")))])].join(
    "  ",
  );
}

const lockWords = (lock: string | undefined): string =>
  lock === undefined ? "not locked" : `locked ${lock}`;

/** By whom, and why; undefined: it is not locked. */
export function lockText({ locked, lockedBy, lockedReason }: Instance): string | undefined {
  if (locked !== true) return undefined;
  const who = lockedBy === "operators" ? "by the operators" : "by its project";
  return lockedReason === null || lockedReason === undefined ? who : `${who}: ${lockedReason}`;
}
