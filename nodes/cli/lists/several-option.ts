/**
 * An option of several values: with commas, repeated, or both. Values are the words that are allowed.
 * Pure.
 */
import { InvalidArgumentError, Option } from "commander";

export class SeveralOption extends Option {
  constructor(flags: string, description: string, allowed: readonly string[]) {
    super(flags, description);
    // For help and completion; the parser below replaces the one that takes a single word.
    this.choices(allowed);
    this.argParser((text: string, before: readonly string[] = []) => [...before, ...wordsOf(text, allowed)]);
  }
}

/** @throws InvalidArgumentError */
function wordsOf(text: string, allowed: readonly string[]): readonly string[] {
  const words = text.split(",").map((word) => word.trim());
  const wrong = words.find((word) => !allowed.includes(word));
  if (wrong !== undefined) throw new InvalidArgumentError(`Allowed choices are ${allowed.join(", ")}.`);
  return words;
}
