/** novact network explain: what lets one instance reach another, or what stops it, step by step. */
import { Command, Option } from "commander";
import {
  type PassageAnswer,
  type PassageProtocol,
  type PassageStep,
  passageProtocols,
} from "../../../../protocol/passage.ts";
import { exitCodes } from "../../../package/exit-codes.ts";
import type { Invoke, Run } from "../../run.ts";
import type { Style } from "../../terminal.ts";
import { wholeNumber } from "./words.ts";

interface Options {
  readonly from: string;
  readonly to: string;
  readonly protocol?: PassageProtocol;
  readonly port?: number;
}

export function explainPassageCommand(invoke: Invoke): Command {
  return new Command("explain")
    .description("Says what lets one instance reach another, or what stops it.")
    .requiredOption("--from <instance>", "who begins: its id or name")
    .requiredOption("--to <instance>", "who is called: its id or name")
    .option("--port <port>", "the port that is called; without it, a ping", wholeNumber)
    .addOption(new Option("--protocol <protocol>", "tcp where a port is given").choices(passageProtocols))
    .action((options: Options, command: Command) =>
      invoke(command, async (run) => {
        const { network } = await run.session();
        const answer = await network.explain({ ...options }, run.call());
        if (run.json) run.emit(answer);
        else await print(run, answer);
        return answer.passes === false ? exitCodes.findings.exit : exitCodes.ok.exit;
      }),
    );
}

async function print(run: Run, { from, to, steps, message, passes, ways }: PassageAnswer): Promise<void> {
  const { indented } = await import("../../table.ts");
  const end = ({ name, address }: PassageAnswer["from"]) =>
    address === null ? name : `${name} (${address})`;
  run.print(run.paint("bold", `${end(from)} to ${end(to)}`));
  for (const step of steps) run.print(indented(lineOf(step, run)));
  run.print(run.paint(styleOf(passes), run.typed(message)));
  if (ways > 1) run.remark(`There are ${ways} pairs of their addresses; this is about the best one.`);
}

function lineOf({ passes, step, message, next }: PassageStep, run: Run): string {
  const said = `${run.paint(styleOf(passes), signOf(passes))} ${step.padEnd(7)}  ${message}`;
  return next === undefined ? said : `${said}\n  ${" ".repeat(7)}  ${run.typed(next)}`;
}

const signOf = (passes: boolean | null): string => (passes === null ? "?" : passes ? "✓" : "✗");
const styleOf = (passes: boolean | null): Style => (passes === null ? "yellow" : passes ? "green" : "red");
