/** What a plug-in threw or wrote, for an error of ours: one line, bounded. It must never fail. */
import { pluginLimits } from "./limits.ts";

export function oneLine(words: unknown): string {
  const text = textOf(words)
    .replaceAll(/[^\P{C}]+|\s+/gu, " ")
    .trim()
    .replace(/[.?]$/, (end) => (end === "." ? "" : end));
  return text.slice(0, pluginLimits.thrownLengthMax).toWellFormed();
}

function textOf(words: unknown): string {
  try {
    return words instanceof Error && words.name !== "Error"
      ? `${words.name}: ${words.message}`
      : plain(words);
  } catch {
    // An object whose own text throws has none.
    return "something without words";
  }
}

const plain = (words: unknown): string => (words instanceof Error ? words.message : String(words));
