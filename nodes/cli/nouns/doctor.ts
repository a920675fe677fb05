/** novact doctor: checks whether the records agree with the hosts. */
import { Command } from "commander";
import { counted } from "../../../protocol/wire/wording.ts";
import { exitCodes } from "../../package/exit-codes.ts";
import { commandLimits } from "../limits.ts";
import type { Invoke } from "../run.ts";
import { plain, type Style } from "../terminal.ts";

const styles: Readonly<Record<string, Style>> = {
  leak: "red",
  drift: "yellow",
  stuck: "red",
  advice: "cyan",
};

/** `hostsAsked` as `hosts asked`, for people. */
const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** The name of what there is one of: `hosts asked` as `host asked`. */
const ofOne = (name: string): string =>
  name
    .replace(/ies\b/, "y")
    .replace(/sses\b/, "ss")
    .replace(/s\b(?<!ss)/, "");

const comparedText = (what: string, count: number): string =>
  counted(count, ofOne(spaced(what)), spaced(what));

/** Greatest width of the list of counts: it is prose. */
const widthMax = 100;

const styleOf = (exit: number): Style => (exit === exitCodes.ok.exit ? "green" : "red");

export function doctorCommand(invoke: Invoke): Command {
  return new Command("doctor")
    .description("Compares PostgreSQL, the hosts' reports, and what is really on the hosts. Changes nothing.")
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const {
          findings,
          compared,
          observations = [],
        } = await session.doctor.examine({}, run.call({ atLeastMs: commandLimits.doctorTimeoutMs }));
        // Advice is of what people asked for, and is no fault of the cluster's.
        const isSound = findings.every(({ kind }) => kind === "advice");
        const exit = isSound ? exitCodes.ok.exit : exitCodes.findings.exit;
        if (run.json) {
          run.emit({ findings, compared, observations });
          return exit;
        }
        for (const { kind, subject, message, next } of findings) {
          run.print(
            `${run.paint(styles[kind], kind)}  ${run.paint("bold", plain(subject))}: ${plain(message)}`,
          );
          run.print(`       ${run.paint("cyan", "next:")} ${run.typed(plain(next))}`);
        }
        for (const { subject, message } of observations)
          run.print(`${run.paint("cyan", "note")}  ${run.paint("bold", plain(subject))}: ${plain(message)}`);
        const { linesOf } = await import("../table.ts");
        const count = findings.length === 0 ? "No findings." : `Findings: ${findings.length}.`;
        const kinds = Object.entries(compared).map(([what, number]) => comparedText(what, number));
        run.print(run.paint(styleOf(exit), count));
        const width = Math.min(run.width, widthMax);
        for (const line of linesOf(`Compared: ${kinds.join(", ")}.`, width)) run.print(line);
        return exit;
      }),
    );
}
