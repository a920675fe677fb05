/**
 * V2: every detach ends within its deadline after its host answers or is fenced. Judged from the moment on at
 * which every fault is over: a host is cut off, hangs or refuses for as long as a plan wants before. When all
 * is quiet, no volume is on its way out, and none belongs to an instance that does not have it; and the guest
 * of an instance that runs has every volume of it, whatever it has given back.
 */
import type { InstanceRecord } from "../records/instance.ts";
import type { Checker, Committed, Fact, Quiet } from "./facts.ts";
import { isCommitted } from "./ledger.ts";

/** The deadline of the operation, and the longest time until a host that was silent is asked again. */
export const detachMsMax = 90_000 + 15_000;

interface Leaving {
  readonly sinceMs: number;
  readonly hostId: string | null;
}

interface Known {
  /** Volumes on their way out, by instance and volume. */
  readonly leaving: Map<string, Leaving>;
  /** When each host was last granted a lease or fenced: from then on it answers, or need not. */
  readonly answersSince: Map<string, number>;
  faultsOverMs: number;
}

export function detachesEnd(): Checker {
  const known: Known = {
    leaving: new Map(),
    answersSince: new Map(),
    faultsOverMs: Number.POSITIVE_INFINITY,
  };
  return { promise: "V2", see: (fact) => faultsOf(known, fact) };
}

function faultsOf(known: Known, fact: Fact): readonly string[] {
  if (fact.kind === "faultsOver") known.faultsOverMs = fact.atMs;
  if (fact.kind === "quiet") return [...late(known, fact.atMs, known.leaving.keys()), ...atRest(fact)];
  return isCommitted(fact) ? committed(known, fact) : [];
}

function committed(known: Known, { commit, atMs }: Committed): readonly string[] {
  for (const { hostId } of [...(commit.leasesGranted ?? []), ...(commit.leasesFenced ?? [])])
    known.answersSince.set(hostId, atMs);
  return (commit.instances ?? []).flatMap(({ row }) => told(known, row, atMs));
}

function told(known: Known, { id, hostId, volumes }: InstanceRecord, atMs: number): readonly string[] {
  const { leaving } = known;
  const now = new Set(
    (volumes ?? []).flatMap(({ volumeId, change }) =>
      change?.kind === "leaving" ? [`${id}/${volumeId}`] : [],
    ),
  );
  const ended = [...leaving.keys()].filter((key) => key.startsWith(`${id}/`) && !now.has(key));
  const broken = late(known, atMs, ended);
  for (const key of ended) leaving.delete(key);
  for (const key of now) {
    const before = leaving.get(key);
    // Another host has to say the word from now on.
    if (before === undefined || before.hostId !== hostId) leaving.set(key, { sinceMs: atMs, hostId });
  }
  return broken;
}

/** Those of the detaches that have taken too long by this time. */
function late(known: Known, atMs: number, keys: Iterable<string>): readonly string[] {
  return [...keys].flatMap((key) => {
    const { sinceMs = 0, hostId = null } = known.leaving.get(key) ?? {};
    const fromMs = Math.max(sinceMs, known.faultsOverMs, known.answersSince.get(hostId ?? "") ?? 0);
    const tookMs = Math.round(atMs - fromMs);
    if (tookMs <= detachMsMax) return [];
    return [`The detach of ${key} took ${tookMs} ms from when host ${hostId ?? "none"} could be asked.`];
  });
}

function atRest({ volumes, instances }: Quiet): readonly string[] {
  const { attached = [], rows = [], inGuests = [] } = volumes ?? {};
  const running = new Set(instances.flatMap(({ id, state }) => (state === "running" ? [id] : [])));
  const missing = attached.filter(
    (one) =>
      one.change === null &&
      running.has(one.instanceId) &&
      !inGuests.some(
        ({ volumeId, instanceId, state }) =>
          volumeId === one.volumeId && instanceId === one.instanceId && state === "attached",
      ),
  );
  const leaving = attached.filter(({ change }) => change === "leaving");
  const alone = rows.filter(
    ({ id, instanceId }) =>
      instanceId !== null && !attached.some((one) => one.volumeId === id && one.instanceId === instanceId),
  );
  return [
    ...missing.map(
      ({ volumeId, instanceId }) =>
        `The guest of ${instanceId} runs, and does not have its volume ${volumeId}.`,
    ),
    ...leaving.map(
      ({ volumeId, instanceId }) => `The detach of ${volumeId} from ${instanceId} has never ended.`,
    ),
    ...alone.map(({ id, instanceId }) => `Volume ${id} belongs to ${instanceId}, which does not have it.`),
  ];
}
