/**
 * Texts that name commands as `novact …`, whoever wrote them, in the words that can be typed here. Pure.
 */

import { resources } from "../../protocol/resources.ts";

const others = [
  "availability-zone",
  "chaos",
  "completion",
  "debug",
  "doctor",
  "event",
  "group",
  "host",
  "instance",
  "launch",
  "logs",
  "operation",
  "plugin",
  "quota",
  "rebalance",
  "up",
  "version",
];

/** The first words after `novact`, as program.ts has them: prose speaks of novact as well. */
export const commandWords: readonly string[] = [
  ...others,
  ...Object.values(resources).flatMap(({ noun }) => (noun === "server-group" ? [] : [noun])),
].sort();

const named = new RegExp(
  `(?<![\\w./@-]|npx )novact(?= (?:(?:${commandWords.join("|")})\\b|--help\\b|\\[))`,
  "g",
);

/** A text with `command` in place of each `novact` that begins a command. */
export const asTyped = (text: string, command: string): string => text.replaceAll(named, () => command);
