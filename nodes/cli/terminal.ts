/**
 * The streams and the clock that a command uses: the process's own, or a test's. Knows colours and widths,
 * and no command.
 */
import { styleText } from "node:util";
import { marked } from "../../protocol/wire/text.ts";

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface Terminal {
  readonly out: Stream;
  readonly err: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a person types here for `novact`. */
  readonly command: string;
  /** Wall-clock time in ms, for ages. */
  nowMs(): number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks the person at the terminal; undefined: there is none, or no answer came. */
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

/**
 * A text of a user, a host or a guest on one line, without control characters and those that nobody sees: one
 * that turns the direction of writing shows another name than the one that is there.
 */
export const plain = (text: string): string => marked(text.replace(/\s+/gu, " "));

/** A whole output for people, whatever was put into it: only our own colours and line ends steer. */
export const seen = (text: string): string => harmless(text).replace(/[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "?");

/**
 * A guest's console output, made safe for a terminal: colours pass, all other control sequences do not.
 * Guests are hostile, and a terminal can be told to change its title, to move the cursor, and with some to
 * type.
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
