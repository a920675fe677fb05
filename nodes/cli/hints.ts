/**
 * Texts that name commands as `novact …`, whoever wrote them, in the words that can be typed here. Pure.
 */

/** The first words after `novact`, as program.ts has them: prose speaks of novact as well. */
export const commandWords = [
  "aggregate",
  "availability-zone",
  "chaos",
  "completion",
  "doctor",
  "event",
  "flavor",
  "group",
  "host",
  "image",
  "instance",
  "logs",
  "operation",
  "quota",
  "rebalance",
  "up",
  "version",
] as const;

const named = new RegExp(
  `(?<![\\w./@-]|npx )novact(?= (?:(?:${commandWords.join("|")})\\b|--help\\b|\\[))`,
  "g",
);

/** A text with `command` in place of each `novact` that begins a command. */
export const asTyped = (text: string, command: string): string => text.replaceAll(named, () => command);
