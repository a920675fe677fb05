/**
 * What every noun's `delete` is made of, where things are gone at once: several names, each done whatever
 * becomes of the others, a dry run. A noun says how one of them is found and removed; nothing here knows a
 * noun.
 */
import { Command } from "commander";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";
import { eachOf } from "./each.ts";
import { type Refusal, tellRefusals, tellSummary } from "./report.ts";

interface Thing {
  readonly id: string;
  readonly name: string;
}

type Ask = (session: Session, key: string, run: Run) => Promise<Thing>;

export interface Removal {
  /** The name of the argument, by which completion finds names. */
  readonly noun: string;
  readonly description: string;
  /** Whose things. Absent: the project's. */
  readonly audience?: "project" | "admin";
  readonly find: Ask;
  readonly remove: Ask;
}

export function deleteCommand(
  invoke: Invoke,
  { noun, description, audience, find, remove }: Removal,
): Command {
  return new Command("delete")
    .description(description)
    .argument(`<${noun}...>`, "their ids or names")
    .option("--dry-run", "remove nothing: show what would be removed")
    .action((keys: string[], { dryRun }: { readonly dryRun?: boolean }, command: Command) =>
      invoke(command, async (run) => {
        const session = await (audience === "admin" ? run.adminSession() : run.session());
        const deed = dryRun === true ? find : remove;
        const outcomes = await eachOf(keys, (key) => deed(session, key, run));
        run.terminal.signal.throwIfAborted();
        const things = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
        const refusals = outcomes.flatMap((outcome, at): Refusal[] =>
          outcome.status === "rejected" ? [{ name: keys[at] ?? "", thrown: outcome.reason }] : [],
        );
        const single = keys.length === 1;
        if (single && refusals[0] !== undefined) throw refusals[0].thrown;
        if (run.json) run.emit(single ? things[0] : things);
        const what = dryRun === true ? "would be deleted" : "deleted";
        if (!run.json)
          for (const { id, name } of things) run.print(`${id}  ${plain(name)}  ${run.paint("bold", what)}`);
        const exit = tellRefusals(run, refusals);
        const counts = { [what]: things.length, refused: refusals.length };
        tellSummary(run, "delete", { total: keys.length, counts });
        return exit;
      }),
    );
}
