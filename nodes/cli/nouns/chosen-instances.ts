/**
 * The instances that a command is for: those named, or those that filters choose; never both, and never
 * all by oversight. What is chosen is settled before the question, so that what was shown is what is done.
 */
import type { Command } from "commander";
import { CommandError } from "../errors.ts";
import { readPages } from "../pages.ts";
import { instanceId } from "../resolve.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";
import { confirmed } from "../several/confirm.ts";
import { eachOf } from "../several/each.ts";
import type { Refusal } from "../several/report.ts";
import { type InstanceFilters, instanceFilters, instanceReader } from "./instance-filters.ts";

export interface Choice extends InstanceFilters {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** An instance that a command goes to. */
export interface Chosen {
  readonly id: string;
  /** As the person called it, or as it is called. */
  readonly name: string;
}

export interface Choosing {
  readonly chosen: readonly Chosen[];
  readonly refusals: readonly Refusal[];
  /** One instance was named: its answer is a value and not a list. */
  readonly single: boolean;
}

export const choiceOptions = (command: Command): Command =>
  instanceFilters(command)
    .option("--all", "all of the project")
    .option("--yes", "do not ask; where several are chosen and nobody can be asked, it is needed")
    .option("--dry-run", "do nothing: show what it would be done to");

/** The instances. @throws CommandError usage when none are named or chosen, or when the person says no */
export async function choose(
  run: Run,
  {
    verb,
    keys,
    choice,
  }: { readonly verb: string; readonly keys: readonly string[]; readonly choice: Choice },
): Promise<Choosing> {
  const filters = picked(choice);
  const filtered = Object.keys(filters).length > 0;
  if (keys.length > 0) {
    if (filtered || choice.all === true)
      throw new CommandError("usage", "Names and filters contradict each other.", "Give names, or filters.");
    return named(run, await run.session(), keys);
  }
  if (!filtered && choice.all !== true)
    throw new CommandError(
      "usage",
      "Missing required argument 'instance'.",
      "Name instances, or choose them: --name 'web-*', --state failed, --metadata key=value, --all.",
    );
  const read = await instanceReader({ run, session: await run.session(), options: filters, args: [] });
  const { rows } = await readPages(read);
  const several = new Set(rows.map(({ project }) => project)).size > 1;
  const names = rows.map(({ name, project }) => (several ? `${name} (${project})` : name));
  if (rows.length > 0 && choice.dryRun !== true)
    await confirmed(
      run,
      { verb, noun: rows.length === 1 ? "instance" : "instances", names },
      choice.yes === true,
    );
  return { chosen: rows, refusals: [], single: false };
}

/** The filters among all options of a verb. */
function picked(options: InstanceFilters): InstanceFilters {
  const given = new Set<string>(filterNames);
  return Object.fromEntries(Object.entries(options).filter(([name]) => given.has(name)));
}

const filterNames = [
  ...(["name", "state", "host", "flavor", "image", "group"] as const),
  ...(["metadata", "createdAfter", "createdBefore"] as const),
] satisfies readonly (keyof InstanceFilters)[];

async function named(run: Run, session: Session, keys: readonly string[]): Promise<Choosing> {
  const found = await eachOf(keys, (key) => instanceId(run, session, key));
  const chosen: Chosen[] = [];
  const refusals: Refusal[] = [];
  found.forEach((result, at) => {
    const name = keys[at] ?? "";
    if (result.status === "rejected") refusals.push({ name, thrown: result.reason });
    else chosen.push({ id: result.value, name });
  });
  return { chosen, refusals, single: keys.length === 1 };
}
