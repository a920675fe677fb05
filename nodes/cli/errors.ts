/** Errors as people and programs read them: what failed, why, and what to do next. */
import { type Code, type Reason, reasons } from "../../protocol/wire/reasons.ts";
import type { ErrorBody } from "../../protocol/wire/status.ts";
import { seenJson } from "../../protocol/wire/text.ts";
import { exitCodeOf } from "../package/exit-codes.ts";
import { startCommand } from "../package/typed-command.ts";
import { type Paint, plain } from "./terminal.ts";

/** An error that the command line itself finds, before or apart from any request. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: Code;
  readonly reason: string;
  readonly next: string;

  constructor(reason: Reason | "usage" | "ambiguous", message: string, next?: string) {
    super(message);
    const known = reason in reasons ? reasons[reason as Reason] : undefined;
    this.code = known?.code ?? "INVALID_ARGUMENT";
    this.reason = reason;
    this.next = next ?? nextAtTerminal[reason] ?? known?.next ?? "See novact --help.";
  }
}

/** The error's shape in the output, whatever its origin. */
export type Shown = Omit<ErrorBody, "code" | "reason"> & { readonly code: string; readonly reason: string };

const isStatusError = (thrown: unknown): thrown is { toBody(): ErrorBody } =>
  thrown instanceof Error && thrown.name === "StatusError" && "toBody" in thrown;

export function shownOf(thrown: unknown): Shown {
  if (isStatusError(thrown)) return atTerminal(thrown.toBody());
  if (thrown instanceof CommandError) {
    const { code, reason, message, next } = thrown;
    return { code, reason, message, next };
  }
  if (thrown instanceof Error && thrown.name === "ConfigError")
    return {
      code: "INVALID_ARGUMENT",
      reason: "configuration",
      message: thrown.message,
      next: nextIn(thrown) ?? "Correct what is named, then try again.",
    };
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: "INTERNAL",
    reason: "internal",
    message,
    next: "Report it; NOVACT_DEBUG=1 shows where it came from.",
  };
}

const nextIn = (thrown: Error): string | undefined =>
  "next" in thrown && typeof thrown.next === "string" ? thrown.next : undefined;

/** The next step for a person at a terminal, where it differs from that of any caller. */
const nextAtTerminal: Readonly<Record<string, string>> = {
  // Mutating commands say themselves how to repeat them (repeatable.ts); all other commands only read.
  timeout: "Try again, with a longer --timeout if need be. Does the cluster run? novact doctor.",
  // The command finds names as well.
  instanceNotFound: "List what there is: novact instance list.",
  malformedText: "Take the named character out: tabs, line ends and letters of any script may be there.",
  schemaMismatch: "The same command with --help shows what it takes.",
  malformedHeader: "The same command with --help shows what it takes.",
  invalidUrl: "Set NOVACT_URL to nats://HOST:PORT.",
  unauthenticated:
    "Set NOVACT_USER and NOVACT_PASSWORD; or leave NOVACT_URL out, and the credentials in the state directory are read.",
  notConnected: `Is the cluster up? Start it with ${startCommand()}, or name another: --config FILE, NOVACT_URL.`,
};

/** An error in an answer, such as that of an operation. */
export const atTerminal = (body: Shown): Shown => ({
  ...body,
  next: nextAtTerminal[body.reason] ?? body.next,
});

export interface ErrorStyle {
  readonly json: boolean;
  readonly paint: Paint;
  /** Puts commands into the words that can be typed here. */
  readonly typed: (text: string) => string;
}

/** The error as it is written to stderr. */
export function errorText(shown: Shown, { json, paint, typed }: ErrorStyle): string {
  const spoken = { ...shown, message: typed(shown.message), next: typed(shown.next) };
  return json ? `${seenJson(JSON.stringify({ error: spoken }))}\n` : errorLines(spoken, paint);
}

/** The error as lines for people. */
function errorLines(shown: Shown, paint: Paint): string {
  const lines = [`${paint("red", "error:")} ${shown.message.split("\n").map(plain).join("\n       ")}`];
  for (const cause of shown.causes ?? []) lines.push(`${paint("dim", "cause:")} ${plain(cause)}`);
  lines.push(...verdictLines(shown.details));
  lines.push(`${paint("dim", "reason:")} ${shown.reason} (${shown.code})`);
  if (shown.retryAfterMs !== undefined)
    lines.push(`${paint("dim", "retry after:")} ${shown.retryAfterMs} ms`);
  lines.push(`${paint("cyan", "next:")} ${plain(shown.next)}`);
  return `${lines.join("\n")}\n`;
}

/** The hosts of a noValidHost error, each with the reasons against it. */
function verdictLines(details: unknown): string[] {
  if (!Array.isArray(details)) return [];
  return details.flatMap((verdict: unknown) => {
    if (!isVerdict(verdict)) return [];
    const against = Object.values(verdict.filters).filter((result) => typeof result === "string");
    return [`  ${plain(verdict.hostName)}: ${plain(against.join("; "))}`];
  });
}

const isVerdict = (value: unknown): value is { hostName: string; filters: Record<string, unknown> } =>
  typeof value === "object" &&
  value !== null &&
  "hostName" in value &&
  typeof value.hostName === "string" &&
  "filters" in value &&
  typeof value.filters === "object" &&
  value.filters !== null;

export const exitCodeFor = (thrown: unknown): number => exitCodeOf(shownOf(thrown).code);
