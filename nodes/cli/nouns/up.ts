/** novact up: runs a whole cluster on this computer, until Ctrl-C. In a checkout npm start is the same. */
import { Command } from "commander";
import { isCheckout } from "../../package/program-files.ts";
import type { Invoke } from "../run.ts";

export function upCommand(invoke: Invoke): Command {
  return new Command("up")
    .description(
      `Runs a whole cluster on this computer until Ctrl-C, as cluster.yaml says${isCheckout ? "; the same as npm start" : ""}.`,
    )
    .allowExcessArguments()
    .allowUnknownOption()
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const { startCluster } = await import("../start-cluster.ts");
        return startCluster(run, command.args);
      }),
    );
}
