/** novact subnet …: ranges of addresses of networks. */
import { Command } from "commander";
import { type Subnet, subnet } from "../../../../protocol/network.ts";
import { CommandError } from "../../errors.ts";
import { time } from "../../format.ts";
import { nounCommand } from "../../noun-command.ts";
import { rowId } from "../../resolve.ts";
import type { Invoke } from "../../run.ts";
import { collect, pairAround } from "./words.ts";

interface Settings {
  readonly name?: string;
  /** False: none. */
  readonly gateway?: string | false;
  readonly dns?: readonly string[];
  readonly route?: readonly string[];
  readonly dhcp?: boolean;
}

interface Making extends Settings {
  readonly network: string;
  readonly cidr?: string;
  readonly pool?: readonly string[];
}

export function subnetCommand(invoke: Invoke): Command {
  const { command, session, print } = nounCommand(invoke, {
    resource: subnet,
    command: "subnet",
    description: "Ranges of addresses of networks.",
    client: (api) => api.subnet,
    columns: [
      { title: "ID", value: ({ id }) => id, spare: true },
      { title: "NAME", value: ({ name }) => name, cut: true },
      { title: "NETWORK", value: ({ networkId }) => networkId },
      { title: "RANGE", value: ({ cidr }) => cidr },
      { title: "GATEWAY", value: ({ gateway }) => gateway ?? "-", spare: true },
    ],
    facts: (one) => [
      ["id", one.id],
      ["name", one.name],
      ["network", one.networkId],
      ["range", one.cidr],
      ["gateway", one.gateway ?? "none"],
      ["pools", one.pools.map(({ first, last }) => `${first}-${last}`).join(", ")],
      ["DNS", one.dnsServers.length === 0 ? "none" : one.dnsServers.join(", ")],
      ["routes", routesOf(one)],
      ["DHCP", one.dhcp ? "yes" : "no"],
      ["created", time(one.createdAtMs)],
    ],
  });
  const create = withSettings(new Command("create"))
    .description("Gives a network a range of addresses.")
    .argument("<name>", "what it is called")
    .argument("[cidr]", "the range, if it is not said by --cidr")
    .requiredOption("--network <network>", "the network's id or name")
    .option("--cidr <range>", "the range, such as 192.0.2.0/24")
    .option("--pool <first-last>", "give ports only these addresses; repeatable", collect)
    .option("--gateway <address>", "the router's address; without it, the first of the range")
    .option("--no-gateway", "tell guests of no router")
    .action((name: string, word: string | undefined, asked: Making, typed: Command) =>
      invoke(typed, async (run) => {
        const { network, pool, cidr: _, ...options } = asked;
        const cidr = rangeOf({ name, word, ...asked });
        const pools = pool?.map((text) => pairAround(text, "-", "--pool", ["first", "last"]));
        const request = { name, cidr, network, ...settingsOf(options), ...(pools && { pools }) };
        await print(run, await (await session(run)).subnet.create(request, run.call()));
        return 0;
      }),
    );
  const set = withSettings(new Command("set"))
    .description("Renames a subnet, or changes what its guests are told.")
    .argument("<subnet>", "its id or name")
    .option("--name <name>", "its new name")
    .option("--gateway <address>", "the router's address")
    .option("--no-gateway", "tell guests of no router")
    .action((key: string, options: Settings, typed: Command) =>
      invoke(typed, async (run) => {
        const { subnet: api } = await session(run);
        const id = await rowId(run, api, { resource: subnet, key });
        await print(run, await api.set(id, settingsOf(options), run.call()));
        return 0;
      }),
    );
  return command.addCommand(create).addCommand(set);
}

/** The range, wherever it stands. @throws CommandError usage */
function rangeOf({ name, word, cidr, network }: Making & { name: string; word: string | undefined }): string {
  const line = (called: string, range: string) =>
    `novact subnet create ${called} --network ${network} --cidr ${range}`;
  if (cidr !== undefined && word !== undefined && cidr !== word)
    throw new CommandError("usage", `There are two ranges: ${word} and ${cidr}.`, line(name, cidr));
  const range = cidr ?? word;
  if (range !== undefined) return range;
  if (/^[0-9a-f.:]+\/[0-9]+$/i.test(name))
    throw new CommandError("usage", "The name of the subnet is missing.", line("NAME", name));
  throw new CommandError("usage", "The range of the subnet is missing.", line(name, "192.0.2.0/24"));
}

const routesOf = ({ hostRoutes }: Subnet): string =>
  hostRoutes.length === 0
    ? "none"
    : hostRoutes.map(({ destination, nextHop }) => `${destination} by ${nextHop}`).join(", ");

const withSettings = (command: Command): Command =>
  command
    .option("--dns <address>", "a name server; repeatable", collect)
    .option("--route <range=address>", "a range and the router that leads there; repeatable", collect)
    .option("--dhcp", "tell ports their addresses by DHCP, as is usual of IPv4")
    .option("--no-dhcp", "let guests set what they are told at their start, as is usual of IPv6");

/** An option with a --no- form is true when it was not given. */
function settingsOf({ name, gateway, dns, route, dhcp }: Settings & { gateway?: string | boolean }) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(gateway === false ? { gateway: null } : {}),
    ...(typeof gateway === "string" ? { gateway } : {}),
    ...(dns === undefined ? {} : { dnsServers: [...dns] }),
    ...(route === undefined
      ? {}
      : { hostRoutes: route.map((text) => pairAround(text, "=", "--route", ["destination", "nextHop"])) }),
    ...(dhcp === undefined ? {} : { dhcp }),
  };
}
