/**
 * The names of compute nodes: each is the name of a directory, of log and proof files, and a word of command
 * lines. Pure.
 */
import { isIdShaped } from "../../protocol/wire/text.ts";
import type { Finding } from "./explain.ts";

type LineOf = (path: readonly (string | number)[]) => number;

/** Names of other processes of a cluster: a node of that name would write to their logs, and end them. */
const ofOthers = /^(?:controller-\d+|nats|postgres|chaos-proxy)$/;

/** What is wrong with the nodes' names, apart from their letters, which the schema judges. */
export function nodeNameFindings(names: readonly string[], lineOf: LineOf): readonly Finding[] {
  return names.flatMap((name, index) => {
    const found = (message: string): Finding => ({
      line: lineOf(["nodes", index, "name"]),
      message: `nodes.${index}.name: ${message}`,
    });
    if (ofOthers.test(name))
      return [found(`${name} is the name of another process of ours. Choose another.`)];
    if (isIdShaped(name))
      return [found("it has the form of an id, and hosts are named by their ids too. Choose another.")];
    if (names.indexOf(name) < index) return [found(`two nodes are called ${name}. Give each its own name.`)];
    return [];
  });
}
