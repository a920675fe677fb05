/** The options of `instance create` for its network interfaces, and how interfaces are shown. */
import type { Command } from "commander";
import type { AskedInterface, Interface } from "../../../protocol/interface.ts";
import { CommandError } from "../errors.ts";
import { collect } from "./networks/words.ts";

export interface InterfaceOptions {
  readonly network?: readonly string[];
  readonly port?: readonly string[];
}

/** The word for no interface at all; a network of this name is named by its id. */
const noneAtAll = "none";
const withAddress = ",address=";

export function withInterfaceOptions(command: Command): Command {
  return command
    .option(
      "--network <network>",
      `on this network, by name or id; NAME${withAddress}ADDRESS chooses; ${noneAtAll}: on none; repeatable`,
      collect,
    )
    .option(
      "--port <port>",
      "in this port, which stays when it is deleted; after networks; repeatable",
      collect,
    );
}

/** The fields of the request. @throws CommandError usage */
export function interfaceFieldsOf({ network, port = [] }: InterfaceOptions): {
  readonly networks?: AskedInterface[];
} {
  if (network === undefined && port.length === 0) return {};
  const named = network ?? [];
  if (!named.includes(noneAtAll))
    return { networks: [...named.map(onNetwork), ...port.map((one) => ({ port: one }))] };
  if (named.length + port.length === 1) return { networks: [] };
  throw new CommandError(
    "usage",
    `--network ${noneAtAll} goes with no other network or port.`,
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
export function interfaceLine({ portId, networkId, mac, addresses }: Interface): string {
  const where = addresses.map(({ address }) => address).join(", ") || "no address";
  return `${where} (${mac}), port ${portId}, network ${networkId}`;
}
