/**
 * Where a command reads and writes: the process's own streams, or a test's. Knows colours and widths, and no
 * command.
 */
import { styleText } from "node:util";

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Terminal {
  readonly out: Stream;
  readonly err: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a person types here for `novact`. */
  readonly command: string;
  /** Wall clock, for ages. */
  nowMs(): number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks whoever sits there; undefined: nobody does, or no answer came. */
  ask(question: string): Promise<string | undefined>;
}

export type Style = "red" | "green" | "yellow" | "cyan" | "dim" | "bold";
export type Paint = (style: Style | undefined, text: string) => string;

/** Paints only on a terminal that wants colours: https://no-color.org. */
export function painter(stream: Stream, env: Terminal["env"]): Paint {
  const colours = stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  return (style, text) =>
    colours && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
}

/** Text of a user, a host or a guest in one line, without anything that steers a terminal. */
export const plain = (text: string): string => text.replace(/\s+/gu, " ").replace(/\p{Cc}/gu, "?");

/**
 * A guest's console for a terminal: colours may pass, everything else that steers a terminal may not. Guests
 * are hostile, and a terminal can be told to retitle itself, to move the cursor, and with some to type.
 */
export const harmless = (text: string): string =>
  text.replace(steering, (_, colour: string | undefined) => colour ?? "");

const steering = new RegExp(
  [
    String.raw`(\x1b\[[0-9;]*m)`, // Colours: kept.
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]`, // Cursor, screen, modes.
    String.raw`\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?`, // Title, clipboard, and other strings.
    String.raw`\x1b[ -/]*.?`,
    String.raw`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]`, // All but tab, line feed and carriage return.
  ].join("|"),
  "gu",
);
