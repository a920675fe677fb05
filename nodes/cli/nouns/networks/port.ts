/** novact port …: places of networks, with their addresses. */
import { Command } from "commander";
import { type Port, port } from "../../../../protocol/port.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke } from "../../run.ts";
import { bandwidthAsked, type Limit, limitOf, limitText, rateForm } from "./bandwidth-words.ts";
import { portCountersCommand } from "./port-counters.ts";
import { statusFact } from "./port-statuses.ts";
import { collect } from "./words.ts";

interface Settings {
  readonly name?: string;
  readonly securityGroup?: readonly string[] | false;
  readonly portSecurity?: boolean;
  readonly addressPair?: readonly string[];
  readonly bandwidthIn?: Limit | false;
  readonly bandwidthOut?: Limit | false;
}

interface Making extends Settings {
  readonly network: string;
  readonly mac?: string;
  readonly address?: readonly string[] | false;
  readonly subnet?: readonly string[];
}

export function portCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: port,
    command: "port",
    description: "Places of networks, with their addresses.",
    client: (api) => api.port,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "NAME", value: ({ name }) => name, cut: true },
      { title: "MAC", value: ({ mac }) => mac },
      { title: "ADDRESSES", value: addressesOf, cut: true },
      { title: "STATUS", value: ({ status }) => status ?? "-" },
      {
        title: "DEVICE",
        value: ({ device, deviceId }) => (device === null ? "-" : `${device} ${deviceId}`),
        cut: true,
      },
    ],
    facts: (one) => [
      ["id", one.id],
      ["name", one.name],
      ["network", one.networkId],
      ...statusFact("status", one),
      ["MAC", one.mac],
      ["addresses", addressesOf(one)],
      ["security groups", one.portSecurity ? listed(one.securityGroupIds) : "nothing is filtered"],
      [
        "address pairs",
        listed(one.addressPairs.map(({ cidr, mac }) => (mac === null ? cidr : `${cidr} as ${mac}`))),
      ],
      ["bandwidth in", limitText(one.bandwidth?.ingress)],
      ["bandwidth out", limitText(one.bandwidth?.egress)],
      ["device", one.device === null ? "none" : `${one.device} ${one.deviceId}`],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = withSettings(new Command("create"))
    .description("Makes a port, with addresses that nobody else has.")
    .argument("[name]", "what it is called; without it, as its MAC")
    .requiredOption("--network <network>", "the network's id or name")
    .option("--mac <address>", "its MAC, if it has to be this one")
    .option("--address <address>", "an address that it shall have; repeatable", collect)
    .option("--no-address", "it has none")
    .option("--subnet <subnet>", "any address of this subnet; repeatable", collect)
    .action((name: string | undefined, options: Making, typed: Command) =>
      invoke(typed, async (run) => {
        const { network, mac } = options;
        const asked = { ...settingsOf(options), ...addressesAsked(options), network };
        const request = { ...asked, ...(name && { name }), ...(mac && { mac }) };
        await print(run, await (await session(run)).port.create(request, run.call()));
        return 0;
      }),
    );
  const set = withSettings(new Command("set"))
    .description("Renames a port, or changes its groups, what it may send, and how much.")
    .argument("<port>", "its id or name")
    .option("--name <name>", "its new name")
    .option("--port-security", "filter what it sends and receives")
    .action((key: string, options: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const { port: api } = await session(run);
        const id = await rowId(run, api, { resource: port, key });
        await print(run, await api.set(id, settingsOf(options), run.call()));
        return 0;
      }),
    );
  return command.addCommand(create).addCommand(set).addCommand(portCountersCommand(invoke));
}

const listed = (words: readonly string[]): string => (words.length === 0 ? "none" : words.join(", "));

const addressesOf = ({ addresses }: Port): string =>
  addresses.length === 0 ? "-" : addresses.map(({ address }) => address).join(", ");

const withSettings = (command: Command): Command =>
  command
    .option(
      "--security-group <group>",
      "a security group; repeatable; without it, the group default",
      collect,
    )
    .option("--no-security-group", "none: nothing gets through")
    .option("--no-port-security", "filter nothing, and let it pretend to be anybody")
    .option("--address-pair <range>", "other addresses that it may send from; repeatable", collect)
    .option("--bandwidth-in <rate>", `what it receives at most: ${rateForm}`, limitOf)
    .option("--no-bandwidth-in", "it receives as much as there is")
    .option("--bandwidth-out <rate>", `what it sends at most: ${rateForm}`, limitOf)
    .option("--no-bandwidth-out", "it sends as much as there is");

function settingsOf({ name, securityGroup, portSecurity, addressPair, bandwidthIn, bandwidthOut }: Settings) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(securityGroup === false ? { securityGroups: [] } : {}),
    ...(Array.isArray(securityGroup) ? { securityGroups: [...securityGroup] } : {}),
    ...(portSecurity === false ? { portSecurity, securityGroups: [] } : {}),
    ...bandwidthAsked(bandwidthIn, bandwidthOut),
    ...(addressPair === undefined ? {} : { addressPairs: addressPair.map((cidr) => ({ cidr })) }),
  };
}

function addressesAsked({ address, subnet = [] }: Making) {
  if (address === false) return { addresses: [] };
  const these = Array.isArray(address) ? address.map((one: string) => ({ address: one })) : [];
  const all = [...these, ...subnet.map((one) => ({ subnet: one }))];
  return all.length === 0 ? {} : { addresses: all };
}
