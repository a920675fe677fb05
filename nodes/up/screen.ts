/**
 * What `up` shows to the person who started it: one line for each thing that happened, with the time since
 * the start.
 */
import { readFileSync } from "node:fs";

export interface Screen {
  /** A line with the time in front. */
  say(text: string): void;
  /** Text as it is, but for control characters: a guest must not steer the terminal. */
  show(text: string): void;
  sinceStartMs(): number;
}

/** Clock ticks per second in /proc: always 100 for user space. Source: time(7), sysconf(_SC_CLK_TCK). */
const ticksPerSecond = 100;

/**
 * Milliseconds since this process began. Began, not loaded this file: when the shell of `npm start` became
 * this process, the set-up that it ran before counts as well.
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

/** What a terminal takes as an order: ESC [ …, up to its letter. Source: ECMA-48, control sequences. */
const controlSequence = new RegExp(`${"\u001b"}\\[[0-9;?]*[ -/]*[@-~]`, "g");

/** Line ends and tabs stay; every other control character goes, and with it every escape sequence. */
export function printable(text: string): string {
  return [...text.replaceAll("\r\n", "\n").replace(controlSequence, "")].filter(isPrintable).join("");
}

function isPrintable(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  if (character === "\n" || character === "\t") return true;
  return point >= 0x20 && (point < 0x7f || point > 0x9f);
}
