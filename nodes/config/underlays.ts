/**
 * Underlays of the nodes in one cluster.yaml: hosts find each other by these addresses. Nodes of the driver
 * `user` on one computer have one switch, and may share its address; a node of `bridge` shares with nobody.
 * What is on other computers is not in the file; the doctor finds that. Pure.
 */
import { addressOf, addressText } from "../../protocol/address.ts";
import type { Finding, LineOf } from "./explain.ts";

interface NodeWords {
  readonly name: string;
  readonly network?: unknown;
}

type Path = readonly (string | number)[];

interface Underlay {
  /** In the one spelling that an address has. */
  readonly address: string;
  readonly path: Path;
}

/** What the schema or a driver refuses is no underlay here. */
export function underlayFindings(nodes: readonly NodeWords[], lineOf: LineOf): readonly Finding[] {
  const owners = new Map<string, { readonly name: string; readonly isAlone: boolean }>();
  return nodes.flatMap((node, index) => {
    const underlay = underlayOf(node, ["nodes", index, "network", "options"]);
    if (underlay === undefined) return [];
    const { address, path } = underlay;
    const isAlone = objectOf(node.network)?.driver === "bridge";
    const owner = owners.get(address);
    owners.set(address, owner ?? { name: node.name, isAlone });
    if (owner === undefined || !(isAlone || owner.isAlone)) return [];
    const message = `${path.join(".")}: ${owner.name} has the underlay address ${address} too. Give each node its own.`;
    return [{ line: lineOf(path), message }];
  });
}

/** What a plug-in means by such a word is its own. */
const ours: readonly unknown[] = ["bridge", "user"];

function underlayOf({ network }: NodeWords, options: Path): Underlay | undefined {
  if (!ours.includes(objectOf(network)?.driver)) return undefined;
  const given = objectOf(objectOf(network)?.options);
  const own = objectOf(given?.underlayOn);
  return (
    spelled(given?.underlay, [...options, "underlay"]) ??
    spelled(own?.address, [...options, "underlayOn", "address"])
  );
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;

function spelled(text: unknown, path: Path): Underlay | undefined {
  const address = typeof text === "string" ? addressOf(text.replace(/\/\d+$/, "")) : undefined;
  return address && { address: addressText(address), path };
}
