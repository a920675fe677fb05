/**
 * The rules in the kernel, of one namespace. Where what is there is what was put there, the smallest script
 * leads on; where it is not, all of it is put there anew, in one step as well. Reading all takes as long
 * as there are ports: between two compares it is believed, and the next one asks the kernel what it says of
 * the same rules elsewhere.
 */
import type { FileHandle } from "node:fs/promises";
import type { Clock, Log } from "../../../../protocol/wire/transport.ts";
import { makeNamespace } from "../../network-namespace.ts";
import { runTool, type ToolOptions } from "../../tool.ts";
import { difference } from "./differ.ts";
import type { Ruleset } from "./model.ts";
import { type Entrance, isTaken, listed, listedNow, load } from "./nft.ts";
import type { Listing } from "./read-back.ts";
import { wholeText } from "./text.ts";

/** What was brought into the kernel. */
export interface Brought {
  readonly ruleset: Ruleset;
  /** What the kernel said when it was. Undefined: it has taken scripts since it was asked. */
  readonly seen: string | undefined;
}

export interface Bringing {
  readonly entrance: Entrance;
  /** True: what was brought is believed to be there. */
  readonly trusts: boolean;
  /** A namespace where nothing else is. */
  readonly scratch: () => Promise<Scratch>;
  /** Lines that follow all rules when these are made anew, of what came by itself. */
  readonly kept: (living: Listing["living"]) => string;
  readonly log: Log;
}

export interface Outcome extends Pick<Brought, "seen"> {
  readonly isChanged: boolean;
  /** Undefined: the kernel was not asked. */
  readonly living: Listing["living"] | undefined;
}

const trusted = { living: undefined };

/** `before`: undefined: nobody knows what was brought. @throws StatusError hypervisorRefused */
export async function bring(
  wanted: Ruleset,
  before: Brought | undefined,
  bringing: Bringing,
): Promise<Outcome> {
  if (before !== undefined && bringing.trusts) {
    const script = difference(before.ruleset, wanted);
    if (script === "") return { ...trusted, seen: before.seen, isChanged: false };
    if (await isTaken(bringing.entrance, script)) return { ...trusted, seen: undefined, isChanged: true };
  }
  const [{ text: seen, living }, isChanged] = await bringByLook(wanted, before, bringing);
  return { seen, living, isChanged };
}

/** What the kernel says at the end, and whether anything was changed. */
async function bringByLook(
  wanted: Ruleset,
  before: Brought | undefined,
  { entrance, scratch, kept, log }: Bringing,
): Promise<[Listing, boolean]> {
  const there = await listed(entrance);
  const said = before && (before.seen ?? (await asKernelSays(before.ruleset, scratch)));
  if (there !== undefined && before !== undefined && there.text === said) {
    const script = difference(before.ruleset, wanted);
    if (script === "") return [there, false];
    if (await isTaken(entrance, script)) return [await listedNow(entrance), true];
  } else if (there !== undefined && there.text !== "" && there.text === (await asKernelSays(wanted, scratch)))
    return [there, false];
  else if (before !== undefined)
    log.warn({}, "the host's packet rules were changed by somebody else: they are made anew");
  await load(entrance, wholeText(wanted) + kept(there?.living ?? []));
  return [await listedNow(entrance), true];
}

export interface Scratch extends Entrance {
  readonly path: string;
  close(): Promise<void>;
}

/** A namespace that ends when it is closed, with all rules that were tried there. */
export async function makeScratch(clock: Clock): Promise<Scratch> {
  const scratch: FileHandle = await makeNamespace(clock);
  const path = `/proc/${process.pid}/fd/${scratch.fd}`;
  return {
    path,
    run: (command: string, argv: readonly string[], options: ToolOptions) =>
      runTool("nsenter", [`--net=${path}`, command, ...argv], options),
    close: () => scratch.close(),
  };
}

async function asKernelSays(wanted: Ruleset, makeOne: Bringing["scratch"]): Promise<string> {
  const scratch = await makeOne();
  try {
    await load(scratch, wholeText(wanted));
    return (await listedNow(scratch)).text;
  } finally {
    await scratch.close();
  }
}
