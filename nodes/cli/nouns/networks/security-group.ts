/** novact security-group … and novact security-group-rule …: which packets may pass. */
import { Argument, Command, Option } from "commander";
import {
  directions,
  type SecurityGroupRule,
  securityGroup,
  securityGroupRule,
} from "../../../../protocol/security-group.ts";
import { CommandError } from "../../errors.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke } from "../../run.ts";

interface Settings {
  readonly name?: string;
  readonly description?: string;
}

export function securityGroupCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: securityGroup,
    command: "security-group",
    description: "Which packets may pass: what no rule of a port's groups allows is dropped.",
    client: (api) => api.securityGroup,
    columns: [
      { title: "ID", value: ({ id }) => id },
      { title: "NAME", value: ({ name }) => name, cut: true },
      { title: "DESCRIPTION", value: ({ description }) => description ?? "-", cut: true, spare: true },
    ],
    facts: (one) => [
      ["id", one.id],
      ["name", one.name],
      ["project", one.project],
      ["description", one.description ?? "none"],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = new Command("create")
    .description("Makes a group whose ports may send everything, and receive what answers it.")
    .argument("<name>", "what it is called")
    .option("--description <text>", "what it is for")
    .action((name: string, { description }: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const request = { name, ...(description === undefined ? {} : { description }) };
        await print(run, await (await session(run)).securityGroup.create(request, run.call()));
        return 0;
      }),
    );
  const set = new Command("set")
    .description("Renames a group or describes it.")
    .argument("<security-group>", "its id or name")
    .option("--name <name>", "its new name")
    .option("--description <text>", "what it is for")
    .action((key: string, { name, description }: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const { securityGroup: api } = await session(run);
        const id = await rowId(run, api, { resource: securityGroup, key });
        const request = { ...(name && { name }), ...(description === undefined ? {} : { description }) };
        await print(run, await api.set(id, request, run.call()));
        return 0;
      }),
    );
  return command.addCommand(create).addCommand(set);
}

interface Allowing {
  readonly protocol?: string;
  readonly port?: string;
  readonly from?: string;
  readonly fromGroup?: string;
  readonly ipv6?: boolean;
  readonly description?: string;
}

export function securityGroupRuleCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: securityGroupRule,
    command: "security-group-rule",
    description: "What the ports of a security group may send and receive.",
    client: (api) => api.securityGroupRule,
    columns: [
      { title: "ID", value: ({ id }) => id },
      { title: "RULE", value: ({ name }) => name, cut: true },
      { title: "GROUP", value: ({ groupId }) => groupId, spare: true },
    ],
    facts: (one) => [
      ["id", one.id],
      ["rule", one.name],
      ["group", one.groupId],
      ["description", one.description ?? "none"],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = new Command("create")
    .description("Allows more, at once, on every port of the group.")
    .argument("<security-group>", "the group's id or name")
    .addArgument(new Argument("<direction>", "which way").choices(directions))
    .option("--protocol <protocol>", "tcp, udp, sctp, icmp, icmpv6 or a number; without it, every protocol")
    .option("--port <port>", "one port or a range such as 80-90; of icmp its type")
    .option("--from <range>", "the other end's addresses; without it, everybody's")
    .option("--from-group <security-group>", "the other end's security group")
    .addOption(new Option("--ipv6", "it is about IPv6; without it, as --from, or IPv4"))
    .option("--description <text>", "what it is for")
    .action((group: string, direction: SecurityGroupRule["direction"], options: Allowing, typed: Command) =>
      invoke(typed, async (run) => {
        const request = { group, direction, ...matchOf(options) };
        await print(run, await (await session(run)).securityGroupRule.create(request, run.call()));
        return 0;
      }),
    );
  return command.addCommand(create);
}

const protocols = ["tcp", "udp", "sctp", "icmp", "icmpv6"] as const;

function matchOf({ protocol, port, from, fromGroup, ipv6, description }: Allowing) {
  return {
    ...(protocol === undefined ? {} : { protocol: protocolOf(protocol) }),
    ...(port === undefined ? {} : portsOf(port)),
    ...(from === undefined ? {} : { remoteCidr: from }),
    ...(fromGroup === undefined ? {} : { remoteGroup: fromGroup }),
    ...(ipv6 ? { ipVersion: 6 as const } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

function protocolOf(text: string): (typeof protocols)[number] | number {
  const named = protocols.find((one) => one === text.toLowerCase());
  if (named !== undefined) return named;
  if (/^[0-9]{1,3}$/.test(text)) return Number(text);
  throw new CommandError("usage", `There is no protocol ${text}: ${protocols.join(", ")} or a number.`);
}

function portsOf(text: string): { readonly portMin: number; readonly portMax?: number } {
  const [, first, last] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text) ?? [];
  if (first === undefined)
    throw new CommandError("usage", `--port wants a number or a range such as 80-90; ${text} is neither.`);
  return { portMin: Number(first), ...(last === undefined ? {} : { portMax: Number(last) }) };
}
