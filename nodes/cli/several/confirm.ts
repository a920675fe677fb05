/** Asks a person before a command goes to things which filters have chosen. */
import { CommandError } from "../errors.ts";
import { commandLimits } from "../limits.ts";
import type { Run } from "../run.ts";
import { plain } from "../terminal.ts";

export interface Intent {
  /** As typed: `delete`. */
  readonly verb: string;
  /** In the plural. */
  readonly noun: string;
  readonly names: readonly string[];
}

/**
 * Answers when a person at the terminal says yes, or `yes` was said before. @throws CommandError usage
 * otherwise, also where nobody can be asked
 */
export async function confirmed(run: Run, intent: Intent, yes: boolean): Promise<void> {
  if (yes) return;
  const { verb, noun, names } = intent;
  const which = listed(names);
  const count = `${names.length} ${noun}`;
  const answer = await run.terminal.ask(`${verb} ${count}: ${which}? [yes/no] `);
  if (answer === undefined)
    throw new CommandError(
      "usage",
      `This would ${verb} ${count} (${which}), and nobody is there to say yes.`,
      "Add --yes, or --dry-run to see what would be done.",
    );
  if (!["y", "yes"].includes(answer.trim().toLowerCase()))
    throw new CommandError("usage", "Nothing was done.", "Answer yes to go on.");
}

/** The names, the first ones of many. */
function listed(names: readonly string[]): string {
  const more = names.length - commandLimits.namedMax;
  const shown = names.slice(0, commandLimits.namedMax).map(plain).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
