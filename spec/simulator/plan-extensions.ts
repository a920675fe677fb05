/**
 * The part of a plan that is about a plug-in: its rows, made and removed at once by several clients, an
 * action on instances, and the limits of rows. It has a stream of chance of its own. Pure.
 */
import type { Random } from "./random.ts";

export const extensionCommands = [
  "flagCreate",
  "flagHoist",
  "flagGet",
  "flagDelete",
  "flagList",
  "guestMark",
] as const;
export type ExtensionCommand = (typeof extensionCommands)[number];

/** Four names for all flags, so that names collide. */
export const flagName = (target: number): string => `flag-${target % 4}`;
export const flagColor = (target: number): "red" | "blue" => (target % 2 === 0 ? "red" : "blue");

interface PlannedExtension {
  readonly atMs: number;
  readonly client: number;
  readonly command: ExtensionCommand | "quotaSet";
  readonly target: number;
  readonly request?: Readonly<Record<string, unknown>>;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly clients: number;
}

export function extensionsOf(random: Random, span: Span): readonly PlannedExtension[] {
  const moment = () => Math.round(random.between(span.fromMs, span.untilMs));
  const limits = Array.from({ length: random.whole(0, 3) }, (): PlannedExtension => {
    const limit = random.pick([0, 1, 2, 5, -1, null]);
    const request = { extensions: { "acme.signalFlags": limit } };
    return { atMs: moment(), client: 0, command: "quotaSet", target: random.whole(0, 2), request };
  });
  const commands = Array.from({ length: random.whole(4, 40) }, (): PlannedExtension => {
    const command = random.weighted({
      ...{ flagCreate: 6, flagHoist: 3, flagGet: 2, flagDelete: 2, flagList: 1, guestMark: 2 },
    });
    return {
      atMs: moment(),
      client: random.whole(0, span.clients - 1),
      command,
      target: random.whole(0, 59),
    };
  });
  return [...limits, ...commands];
}
