/**
 * The one way in which a plug-in commits: its request, rows of its own resources, and events about its own
 * nouns, or about instances and hosts under its own name. Anything else is a bug of the plug-in, and refused
 * as `internal` before the store sees it: a subject that cannot be would hold up the whole cell's events.
 */
import type { Resource } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import type { Commit, CommitResult, NewEvent } from "../../records/commit.ts";
import { extensionLimits } from "./limits.ts";

export interface Territory {
  readonly plugin: string;
  readonly resources: readonly Resource[];
  /** Of its resources, services and actions. */
  readonly nouns: ReadonlySet<string>;
}

export const pluginFailed = (plugin: string, detail: string, cause?: unknown): StatusError =>
  new StatusError("internal", `The plug-in ${plugin} failed.`, {
    detail: `${plugin}: ${detail}`,
    ...(cause === undefined ? {} : { cause }),
  });

/** `commit`, of what is the plug-in's own only. @throws INTERNAL internal; what `commit` throws */
export function ownCommit(
  territory: Territory,
  commit: (changes: Commit) => Promise<CommitResult>,
): (changes: Commit) => Promise<CommitResult> {
  return async (changes) => {
    const fault = faultOf(territory, changes);
    if (fault !== undefined) throw pluginFailed(territory.plugin, fault);
    return commit(changes);
  };
}

const kinds: ReadonlySet<string> = new Set<keyof Commit>(["request", "rows", "events"]);

function faultOf(territory: Territory, changes: Commit): string | undefined {
  const foreign = Object.keys(changes).find((key) => !kinds.has(key));
  if (foreign !== undefined) return `it may not commit ${foreign}`;
  const { rows = [], events = [] } = changes;
  if (rows.length > extensionLimits.changesMax || events.length > extensionLimits.changesMax)
    return `at most ${extensionLimits.changesMax} rows and events are in one commit`;
  if (rows.length > 0 && events.length === 0) return "it tells of no event what it changes";
  for (const row of rows) {
    const { resource } = row;
    if (!territory.resources.includes(resource)) return `it has no resource ${resource.noun} in its parts`;
    const written = "made" in row ? row.made : "changed" in row ? row.changed : undefined;
    if (written !== undefined && bytesOf(written) > extensionLimits.rowBytesMax)
      return `a ${resource.noun} has more than ${extensionLimits.rowBytesMax} bytes`;
  }
  return events.map((event) => eventFault(territory, event)).find((fault) => fault !== undefined);
}

function eventFault({ plugin, nouns }: Territory, event: NewEvent): string | undefined {
  const { noun, id, event: name, project, body } = event;
  const ofOurs = (noun === "instance" || noun === "host") && name.startsWith(`${plugin}-`);
  if (!nouns.has(noun) && !ofOurs)
    return `an event about ${noun} must be about a noun of its own, or begin with ${plugin}-`;
  if (![noun, id, name, project].every(isToken))
    return `the event ${noun}.${name} has a word that cannot be in a subject`;
  if (bytesOf(body) > extensionLimits.eventBytesMax)
    return `the event ${noun}.${name} has more than ${extensionLimits.eventBytesMax} bytes`;
  return undefined;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");
