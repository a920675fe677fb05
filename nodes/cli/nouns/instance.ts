/** novact instance …: the virtual machines of a project. */
import { Command, Option } from "commander";
import type { Changed } from "../../../protocol/instance.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { type RecoveryPolicy, recoveryPolicies } from "../../../protocol/states.ts";
import { parseCount, parsePair, parsePositive } from "../format.ts";
import { listCommand } from "../lists/list-command.ts";
import { repeatable } from "../repeatable.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import { type BootOptions, bootFieldsOf, withBootOptions } from "./boot-options.ts";
import { consoleCommand } from "./console.ts";
import { dryRun } from "./dry-run.ts";
import { instanceEventsCommand } from "./event.ts";
import { explainCommand } from "./explained.ts";
import { type GuestOptions, guestFieldsOf, withGuestOptions } from "./guest-options.ts";
import { editCommands } from "./instance-edit.ts";
import { interfaceCommand } from "./instance-interface.ts";
import { instanceList } from "./instance-list.ts";
import { instanceFacts } from "./instance-view.ts";
import { type InterfaceOptions, interfaceFieldsOf, withInterfaceOptions } from "./interface-options.ts";
import { floatingOf } from "./networks/floating-ip.ts";
import { portsOf } from "./networks/port-statuses.ts";
import { publishedOf } from "./networks/published-port.ts";
import { sshCommand } from "./ssh.ts";
import { finishChanges, verbCommands } from "./verbs.ts";

export function instanceCommand(invoke: Invoke): Command {
  const noun = new Command("instance").description("Virtual machines.");
  noun.addCommand(createCommand(invoke));
  noun.addCommand(listCommand(invoke, instanceList));
  noun.addCommand(showCommand(invoke));
  for (const verb of verbCommands(invoke)) noun.addCommand(verb);
  for (const verb of editCommands(invoke)) noun.addCommand(verb);
  noun.addCommand(interfaceCommand(invoke));
  noun.addCommand(consoleCommand(invoke));
  noun.addCommand(sshCommand(invoke));
  noun.addCommand(instanceEventsCommand(invoke));
  noun.addCommand(explainCommand(invoke));
  return noun;
}

interface CreateOptions extends BootOptions, GuestOptions, InterfaceOptions {
  readonly flavor: string;
  readonly metadata?: Record<string, string>;
  readonly description?: string;
  readonly count?: number;
  readonly atLeast?: number;
  readonly zone?: string;
  readonly group?: string;
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  readonly host?: string;
  readonly recovery?: RecoveryPolicy;
  readonly recoveryPriority?: number;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly requestId?: string;
}

function createCommand(invoke: Invoke): Command {
  const create = new Command("create")
    .description("Makes an instance, places it and starts it.")
    .argument("<name>", "its name; need not be unique")
    .requiredOption("--flavor <flavor>", "its size, by name or id: novact flavor list");
  withBootOptions(create)
    .option("--metadata <key=value>", "a pair of your own to keep with it; repeatable", parsePair)
    .option("--description <text>", "what it is for, in words of your own");
  return withInterfaceOptions(withGuestOptions(create))
    .addOption(
      new Option(
        "--count <n>",
        `so many at once, all or none, at most ${placementLimits.createCountMax}`,
      ).argParser(parsePositive),
    )
    .option("--at-least <n>", "with --count: as many as find room, but so many at least", parsePositive)
    .option("--zone <zone>", "only on hosts of this availability zone: novact availability-zone list")
    .option("--group <group>", "as a member of this server group, by name or id: novact group list")
    .option("--same-host <instance>", "only where this one is, by name or id; repeatable", collected)
    .option("--different-host <instance>", "only where this one is not; repeatable", collected)
    .option("--host <host>", "on this host and no other; for operators, with --project admin")
    .addOption(
      new Option(
        "--recovery <policy>",
        "what becomes of it when it goes down by itself (default: restart)",
      ).choices(recoveryPolicies),
    )
    .option("--recovery-priority <n>", "of many on a lost host, the highest is recovered first", parseCount)
    .option(
      "--dry-run",
      "make nothing: say what would become of it, what each host says, and what would help",
    )
    .option("--wait", "wait until it runs, and show the steps")
    .option("--request-id <id>", "the same id again makes nothing twice and gives the same answer")
    .action((name: string, options: CreateOptions, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { flavor, metadata, description, count, atLeast, requestId } = options;
        const request = {
          name,
          flavor,
          ...bootFieldsOf(options),
          ...(metadata === undefined ? {} : { metadata }),
          ...(description === undefined ? {} : { description }),
          ...(count === undefined ? {} : { count }),
          ...(atLeast === undefined ? {} : { atLeast }),
          ...guestFieldsOf(options),
          ...interfaceFieldsOf(options),
          ...recoveryOf(options),
          ...(await whereOf(run, session, options)),
        };
        if (options.dryRun === true) return dryRun(run, session, request);
        const again = { line: "the same command with", requestId: requestId ?? session.newRequestId() };
        const answer = await repeatable(again, (id) =>
          session.instance.create(request, run.call({ requestId: id })),
        );
        const all: readonly Changed[] = answer.all ?? [answer];
        if (answer.more !== undefined)
          run.remark(`And ${answer.more.length} more: novact instance list shows them.`);
        return finishChanges(run, session, {
          changes: all,
          verb: "create",
          wait: options.wait ?? false,
          single: count === undefined,
        });
      }),
    );
}

const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function recoveryOf({ recovery, recoveryPriority }: CreateOptions) {
  if (recovery === undefined && recoveryPriority === undefined) return {};
  const priority = recoveryPriority === undefined ? {} : { priority: recoveryPriority };
  return { recovery: { policy: recovery ?? ("restart" as const), ...priority } };
}

/** The placement options, with names of instances replaced by ids. */
async function whereOf(run: Run, session: Session, options: CreateOptions) {
  const { zone, group, sameHost, differentHost, host } = options;
  const idsOf = (keys: readonly string[]) => Promise.all(keys.map((key) => instanceId(run, session, key)));
  const hints = {
    ...(sameHost === undefined ? {} : { sameHost: await idsOf(sameHost) }),
    ...(differentHost === undefined ? {} : { differentHost: await idsOf(differentHost) }),
  };
  return {
    ...(zone === undefined ? {} : { availabilityZone: zone }),
    ...(group === undefined ? {} : { serverGroup: group }),
    ...(Object.keys(hints).length === 0 ? {} : { hints }),
    ...(host === undefined ? {} : { host }),
  };
}

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one instance.")
    .argument("<instance>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { instance } = await session.instance.get(await instanceId(run, session, key), {}, run.call());
        if (run.json) run.emit(instance);
        else {
          const { renderFacts } = await import("../table.ts");
          const [published, floating, ports] = await Promise.all([
            publishedOf(run, session, instance),
            floatingOf(run, session, instance),
            portsOf(run, session, instance),
          ]);
          const facts = instanceFacts(instance, run.typed, { published, floating, ports });
          run.print(renderFacts(facts, run.paint, run.width));
        }
        return 0;
      }),
    );
}
