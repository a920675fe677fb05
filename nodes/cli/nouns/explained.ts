/**
 * novact instance explain: what an instance waits for now, and, apart from that, what happened to it before.
 */
import { Command } from "commander";
import { exitCodeOf } from "../../package/exit-codes.ts";
import { time } from "../format.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import { operationLine } from "./instance-view.ts";
import { printVerdicts } from "./verdicts.ts";

export function explainCommand(invoke: Invoke): Command {
  return new Command("explain")
    .description("Says why this host, why no host, and what the instance is waiting for.")
    .argument("<instance>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const id = await instanceId(run, session, key);
        const explained = await session.instance.explain(id, {}, run.call());
        if (run.json) run.emit(explained);
        else await printExplained(run, explained);
        return explained.instance.failure === null ? 0 : exitCodeOf(explained.instance.failure.code);
      }),
    );
}

type Explained = Awaited<ReturnType<Awaited<ReturnType<Run["session"]>>["instance"]["explain"]>>;

async function printExplained(run: Run, explained: Explained): Promise<void> {
  const { waitingFor, earlier, hosts, operations } = explained;
  const { indented, renderFacts } = await import("../table.ts");
  run.print(renderFacts(explainedFacts(explained), run.paint, run.width));
  const point = (text: string) => `${run.paint("cyan", "·")} ${run.typed(text)}`;
  const sentences = waitingFor.length === 0 ? ["It is waiting for nothing."] : waitingFor;
  run.print(sentences.map(point).join("\n"));
  if (earlier !== undefined && earlier.length > 0) {
    const happened = earlier.map(({ atMs, message }) =>
      atMs === null ? message : `${time(atMs)}  ${message}`,
    );
    run.print(
      `\n${run.paint("bold", "before")}\n${indented(happened.map((one) => run.typed(one)).join("\n"))}`,
    );
  }
  if (hosts.length > 0) {
    run.print("");
    await printVerdicts(run, hosts);
  }
  if (operations.length > 0) {
    run.print(`\n${run.paint("bold", "operations")}`);
    run.print(indented(operations.map(operationLine).join("\n")));
  }
}

/** A failure is no fact of now: it stands among what happened before, which an older server does not tell. */
function explainedFacts({ instance, earlier }: Explained) {
  const { failure } = instance;
  const told =
    failure === null || earlier !== undefined ? undefined : `${failure.reason}: ${failure.message}`;
  return [
    ["instance", `${instance.name} (${instance.id})`],
    ["state", `${instance.state}, wanted ${instance.desired}`],
    ["host", instance.hostName ?? "none"],
    ["failure", told, "red"],
  ] as const;
}
