/** The options of `instance create` for its network interfaces, and how interfaces are shown. */
import type { Command } from "commander";
import type { AskedInterface, AskedInterfaces, Interface } from "../../../protocol/interface.ts";
import type { AskedPublication } from "../../../protocol/published-port.ts";
import { CommandError } from "../errors.ts";
import { parsePublication } from "./networks/publication-words.ts";
import { collect } from "./networks/words.ts";

export interface InterfaceOptions {
  readonly network?: readonly string[];
  readonly port?: readonly string[];
  readonly publish?: readonly string[];
}

/** The words for no interface at all, and for the only network; networks of these names are named by id. */
const noneAtAll = "none";
const theOnly = "auto";
const words = `${theOnly}: the only one; ${noneAtAll}: on none`;
const withAddress = ",address=";

export function withInterfaceOptions(command: Command): Command {
  return command
    .option(
      "--network <network>",
      `on this network, by name or id; NAME${withAddress}ADDRESS chooses; ${words}; repeatable`,
      collect,
    )
    .option(
      "--port <port>",
      "in this port, which stays when it is deleted; after networks; repeatable",
      collect,
    )
    .option(
      "--publish <ports>",
      "HOSTPORT:PORT: its host's port leads to its own, whatever groups say; repeatable",
      collect,
    );
}

/** The fields of the request. @throws CommandError usage */
export function interfaceFieldsOf({ publish, ...options }: InterfaceOptions): {
  readonly networks?: AskedInterfaces;
  readonly publish?: AskedPublication[];
} {
  const published = publish === undefined ? {} : { publish: publish.map(parsePublication) };
  return { ...networksOf(options), ...published };
}

function networksOf({ network, port = [] }: InterfaceOptions): { readonly networks?: AskedInterfaces } {
  if (network === undefined && port.length === 0) return {};
  const named = network ?? [];
  const word = named.find((one) => one === noneAtAll || one === theOnly);
  if (word === undefined)
    return { networks: [...named.map(onNetwork), ...port.map((one) => ({ port: one }))] };
  // Servers from before the words know the empty list.
  if (named.length + port.length === 1) return { networks: word === theOnly ? theOnly : [] };
  throw new CommandError(
    "usage",
    `--network ${word} goes with no other network or port.`,
    "Leave it out, or name nothing else.",
  );
}

function onNetwork(text: string): AskedInterface {
  const at = text.lastIndexOf(withAddress);
  return at < 0
    ? { network: text }
    : { network: text.slice(0, at), address: text.slice(at + withAddress.length) };
}

/** The addresses of all interfaces; undefined: there are none. */
export function addressesOf(interfaces: readonly Interface[] | null | undefined): string | undefined {
  const all = (interfaces ?? []).flatMap(({ addresses }) => addresses.map(({ address }) => address));
  return all.length === 0 ? undefined : all.join(", ");
}

/** A line for each: its addresses, its port and its network. */
export function interfaceLine({ portId, networkId, mac, addresses, change }: Interface): string {
  const where = addresses.map(({ address }) => address).join(", ") || "no address";
  const onItsWay = change === undefined ? "" : `, ${change}`;
  return `${where} (${mac}), port ${portId}, network ${networkId}${onItsWay}`;
}
