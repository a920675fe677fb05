/** novact plugin: for authors of plug-ins. It needs no cluster. */
import { Command, Option } from "commander";
import type { Invoke } from "../run.ts";
import type { SkeletonKind } from "../skeletons/make.ts";
import { checkCommand, docsCommand } from "./plugin-check.ts";

/** As skeletons/make.ts has them, which only this command loads; a spec compares. */
const kinds = [
  ...(["filter", "weigher", "hypervisor", "disks", "volumes", "network"] as const),
  ...(["sink", "power", "resource", "action"] as const),
] satisfies readonly SkeletonKind[];

export function pluginCommand(invoke: Invoke): Command {
  return new Command("plugin")
    .description("Makes and tries plug-ins of novact. Needs no cluster.")
    .addCommand(checkCommand(invoke))
    .addCommand(docsCommand(invoke))
    .addCommand(newCommand(invoke));
}

function newCommand(invoke: Invoke): Command {
  return new Command("new")
    .description("Makes the package of a new plug-in, with specs, in a directory of its name.")
    .argument("<name>", "of the plug-in: lower-case letters, digits and -")
    .addOption(new Option("--kind <kind>", "what it brings").choices(kinds).default("filter"))
    .addHelpText("after", "\nThen: cd <name> && npm install && npm test && npm run check")
    .action((name: string, { kind }: { kind: SkeletonKind }, command: Command) =>
      invoke(command, async (run) => {
        const { makeSkeleton } = await import("../skeletons/make.ts");
        const { directory, files } = makeSkeleton(name, kind, process.cwd());
        if (run.json) run.emit({ name, kind, directory, files });
        else {
          for (const file of files) run.print(`${name}/${file}`);
          run.remark(`Made ${directory}. Next: cd ${name} && npm install && npm test`);
        }
        return 0;
      }),
    );
}
