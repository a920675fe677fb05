/**
 * The output of `up` for the person who started it: one line for each event, with the time since the start.
 */
import { readFileSync } from "node:fs";

export interface Screen {
  /** Prints a line with the time in front. */
  say(text: string): void;
  /** Prints a text without its control characters: a guest must not steer the terminal. */
  show(text: string): void;
  sinceStartMs(): number;
}

/** Clock ticks per second in /proc: always 100 for user space. Source: time(7), sysconf(_SC_CLK_TCK). */
const ticksPerSecond = 100;

/**
 * Milliseconds since this process began, not since this file was loaded: when the shell of `npm start` became
 * this process, its set-up counts as well.
 */
function processAgeMs(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const upSeconds = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  return upSeconds * 1_000 - (ticks / ticksPerSecond) * 1_000;
}

export function openScreen(out: { write(text: string): unknown }): Screen {
  const ageMs = processAgeMs();
  const loadedAtMs = performance.now();
  const sinceStartMs = () => ageMs + performance.now() - loadedAtMs;
  let lineOpen = false;
  return {
    sinceStartMs,
    say: (text) => {
      const seconds = (sinceStartMs() / 1_000).toFixed(1).padStart(6);
      out.write(`${lineOpen ? "\n" : ""}[${seconds} s] ${text}\n`);
      lineOpen = false;
    },
    show: (text) => {
      const harmless = printable(text);
      if (harmless === "") return;
      out.write(harmless);
      lineOpen = !harmless.endsWith("\n");
    },
  };
}

/**
 * Sequences that a terminal takes as an order: ESC [ …, up to its letter. Source: ECMA-48, control sequences.
 */
const controlSequence = new RegExp(`${"\u001b"}\\[[0-9;?]*[ -/]*[@-~]`, "g");

/** The text without control characters and escape sequences; line ends and tabs stay. */
export function printable(text: string): string {
  return [...text.replaceAll("\r\n", "\n").replace(controlSequence, "")].filter(isPrintable).join("");
}

function isPrintable(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  if (character === "\n" || character === "\t") return true;
  return point >= 0x20 && (point < 0x7f || point > 0x9f);
}
