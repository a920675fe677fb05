/**
 * What a host's guard did to guests becomes events of their instances and of the host. A host is believed
 * only about guests that it has or had, under their owner epoch: what its guard does with those that were
 * taken from it, it mostly tells when they are another host's. Each deed is one commit, known by its number,
 * so that a report that is made again adds nothing.
 */
import type { GuardDeedKind, GuardDeedReason } from "../../../protocol/guard.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { ReportedDeed } from "../../../protocol/machine.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { StorePart } from "../../ports/store.ts";
import type { NewEvent } from "../../records/commit.ts";
import type { MachineKey } from "../../records/instance.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { contentHash } from "../request/content-hash.ts";
import { fleetLimits } from "./limits.ts";
import type { StrangeReports } from "./strange-reports.ts";

export interface GuardedOptions {
  readonly store: StorePart<{ instances: "reported" | "get"; hosts: "get"; events: "list" }>;
  readonly commit: CatalogOptions["commit"];
  readonly clock: CatalogOptions["clock"];
  readonly strange: Pick<StrangeReports, "note">;
}

interface Reported {
  readonly hostId: string;
  readonly bootId: string;
  readonly deeds: readonly ReportedDeed[];
}

/** Commits the deeds of one report. @throws UNAVAILABLE storeUnavailable: then the host reports again */
export async function takeDeeds(reported: Reported, options: GuardedOptions): Promise<void> {
  const { hostId, deeds } = reported;
  const { store, strange } = options;
  const host = await store.hosts.get(hostId);
  const known = await believed(reported, store);
  const foreignDeeds = deeds.length - known.length;
  strange.note(hostId, { leftOut: undefined, impossible: [], unknown: [], failed: [], foreignDeeds });
  for (const [index, deed] of known.entries()) {
    const alike = known.filter(({ what, why }) => what === deed.what && why === deed.why);
    const isFirst = known.findIndex(({ what, why }) => what === deed.what && why === deed.why) === index;
    await takeOne(deed, {
      ...reported,
      ...options,
      hostName: host?.name ?? hostId,
      guests: isFirst ? alike.length : 0,
    });
  }
}

const keyOf = ({ instanceId, ownerEpoch }: MachineKey): string => `${instanceId} ${ownerEpoch}`;

/** The deeds to guests that the host has, or had under that owner epoch until it was fenced or drained. */
async function believed(
  { hostId, deeds }: Reported,
  store: GuardedOptions["store"],
): Promise<readonly ReportedDeed[]> {
  const rows = await store.instances.reported(deeds);
  const own = rows.filter(({ claimedBy, seen }) => claimedBy === hostId || seen?.hostId === hostId);
  const had = new Set(own.map(keyOf));
  const others = new Set(deeds.filter((deed) => !had.has(keyOf(deed))).map(({ instanceId }) => instanceId));
  for (const instanceId of others)
    for (const ownerEpoch of await epochsTaken(instanceId, hostId, store))
      had.add(keyOf({ instanceId, ownerEpoch }));
  return deeds.filter((deed) => had.has(keyOf(deed)));
}

/** Owner epochs of the instance that were taken from the host, by the events that say so. */
async function epochsTaken(
  id: string,
  hostId: string,
  store: GuardedOptions["store"],
): Promise<readonly number[]> {
  const found: number[] = [];
  let after = 0;
  for (let page = 0; page < fleetLimits.takenPagesMax; page += 1) {
    const { events, last } = await store.events.list({
      after,
      id,
      nouns: ["instance"],
      names: ["hostFenced", "leaving"],
      limit: wireLimits.pageLengthMax,
    });
    for (const { body } of events) if (body.hostId === hostId) found.push(Number(body.ownerEpoch));
    if (events.length < wireLimits.pageLengthMax) break;
    after = last;
  }
  return found;
}

interface Context extends Reported, GuardedOptions {
  readonly hostName: string;
  /** Guests of the report to which the same happened, told once for the host; 0: it is told already. */
  readonly guests: number;
}

async function takeOne(deed: ReportedDeed, context: Context): Promise<void> {
  const { hostId, hostName, bootId, guests, clock } = context;
  const { instanceId, what, why } = deed;
  const instance = (await context.store.instances.get(instanceId))?.instance;
  if (instance === undefined) return;
  const because = deedSentence(deed, hostName);
  const now = { atMs: clock.nowMs(), event: "guarded" };
  const { project, name } = instance;
  const ofInstance: NewEvent = {
    ...{ ...now, project, noun: "instance", id: instanceId },
    body: { name, hostId, hostName, what, why, because },
  };
  const ofHost: NewEvent = {
    ...{ ...now, project: adminProject, noun: "host", id: hostId },
    body: { what, why, guests, because },
  };
  const requestId = `guard.${hostId}.${bootId}.${deed.number}`;
  const hash = contentHash("report.guarded", hostId, { instanceId, what, why });
  await context.commit({
    request: { project: adminProject, requestId, contentHash: hash, answer: null, atMs: now.atMs },
    events: guests > 0 ? [ofInstance, ofHost] : [ofInstance],
  });
}

const verbs: Readonly<Record<GuardDeedKind, string>> = {
  stopped: "paused by",
  continued: "continued by",
  killed: "killed by",
  gone: "ended after it was killed by",
};

const causes: Readonly<Record<GuardDeedReason, string>> = {
  leaseEnded: "its host lease had ended",
  leaseRenewed: "its host lease was renewed",
  diskTaken: "another host has taken its disk over",
  notStopped: "its host lease had ended, and its storage did not answer, so that it could not be paused",
};

/** Such as "paused by the guard of node-1 at 2026-01-01T00:00:00.000Z: its host lease had ended". */
const deedSentence = ({ what, why, atMs }: Pick<ReportedDeed, "what" | "why" | "atMs">, hostName: string) =>
  `${verbs[what]} the guard of ${hostName} at ${new Date(atMs).toISOString()}: ${causes[why]}`;
