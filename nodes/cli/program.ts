/**
 * The tree of commands: every noun with its verbs, and the options that all commands share. Building the tree
 * connects nothing and reads nothing, so documentation and completion are made from it, and a test compares
 * them.
 */
import { Command, Option } from "commander";
import { exitCodes } from "../package/exit-codes.ts";
import type { Extended } from "./extensions/extended.ts";
import { extensionCommands } from "./extensions/extension-commands.ts";
import { parseDuration } from "./format.ts";
import { aggregateCommand, availabilityZoneCommand } from "./nouns/aggregate.ts";
import { chaosCommand } from "./nouns/chaos.ts";
import { completionCommand } from "./nouns/completion.ts";
import { debugCommand } from "./nouns/debug.ts";
import { doctorCommand } from "./nouns/doctor.ts";
import { eventCommand } from "./nouns/event.ts";
import { flavorCommand } from "./nouns/flavor.ts";
import { groupCommand } from "./nouns/group.ts";
import { hostCommand } from "./nouns/host.ts";
import { imageCommand } from "./nouns/image.ts";
import { instanceCommand } from "./nouns/instance.ts";
import { keyPairCommand } from "./nouns/key-pair.ts";
import { launchCommand } from "./nouns/launch/launch.ts";
import { logsCommand } from "./nouns/logs.ts";
import { floatingIpCommand } from "./nouns/networks/floating-ip.ts";
import { networkCommand } from "./nouns/networks/network.ts";
import { portCommand } from "./nouns/networks/port.ts";
import { publishedPortCommand } from "./nouns/networks/published-port.ts";
import { routerCommand } from "./nouns/networks/router.ts";
import { securityGroupCommand, securityGroupRuleCommand } from "./nouns/networks/security-group.ts";
import { subnetCommand } from "./nouns/networks/subnet.ts";
import { operationCommand } from "./nouns/operation.ts";
import { pluginCommand } from "./nouns/plugin.ts";
import { quotaCommand } from "./nouns/quota.ts";
import { rebalanceCommand } from "./nouns/rebalance.ts";
import { upCommand } from "./nouns/up.ts";
import { versionCommand } from "./nouns/version.ts";
import { volumeCommand } from "./nouns/volume.ts";
import { outputChoices, parseOutput } from "./output/formats.ts";
import type { Invoke } from "./run.ts";

/** Builds the tree, with the commands of plug-ins. Without `invoke` the tree is only for looking at. */
export function buildProgram(
  invoke: Invoke = async () => undefined,
  plugins: readonly Extended[] = [],
): Command {
  const program = new Command("novact")
    .description("A compute service made of supervised actors. It runs virtual machines.")
    .option("--project <project>", "whose things (default: NOVACT_PROJECT, or demo)")
    .option("--json", "the same as -o json, and a list is the bare array of its rows")
    .addOption(
      new Option("-o, --output <format>", "how the result is printed; jsonpath=TEMPLATE picks from the JSON")
        .choices(outputChoices)
        .argParser(parseOutput),
    )
    .option(
      "--timeout <time>",
      "how long to wait for answers, with --wait for the end: 30s, 2m; a bare number is seconds",
      parseDuration,
    )
    .option("--config <file>", "the cluster's configuration (default: NOVACT_CONFIG, or cluster.yaml)")
    .option("--version", "print the command's version and commit, and nothing else")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", helpAfter());
  const nouns = [
    launchCommand,
    instanceCommand,
    flavorCommand,
    imageCommand,
    operationCommand,
    eventCommand,
    groupCommand,
    keyPairCommand,
    networkCommand,
    subnetCommand,
    portCommand,
    securityGroupCommand,
    securityGroupRuleCommand,
    publishedPortCommand,
    routerCommand,
    floatingIpCommand,
    volumeCommand,
    quotaCommand,
    availabilityZoneCommand,
    hostCommand,
    aggregateCommand,
    rebalanceCommand,
    doctorCommand,
    debugCommand,
    logsCommand,
    chaosCommand,
    pluginCommand,
    upCommand,
    completionCommand,
    versionCommand,
  ];
  for (const noun of nouns) program.addCommand(withHelp(noun(invoke)));
  for (const command of extensionCommands(invoke, plugins)) program.addCommand(withHelp(command));
  return program;
}

/** Applies settings that commander copies to commands of its own making only. */
function withHelp(command: Command): Command {
  command.configureHelp({ showGlobalOptions: true });
  for (const verb of command.commands) withHelp(verb);
  return command;
}

function helpAfter(): string {
  const codes = Object.values(exitCodes).map(({ exit, meaning }) => `  ${String(exit).padEnd(4)} ${meaning}`);
  return `
Names are accepted wherever ids are. Example:
  novact instance create web --flavor small --image tiny --wait
  novact instance console web --follow

Exit codes:
${codes.join("\n")}`;
}
