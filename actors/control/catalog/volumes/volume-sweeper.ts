/**
 * Removes what is left of deleted volumes: it works off their rows, each of which holds its room until a host
 * has said that the file is gone. Any host that sees the storage is asked; a host's own disk is its host's.
 * In the same round copies of volumes are asked for (volume-copier.ts). Every controller sweeps; removing
 * twice is harmless. It must never name a volume that has a row.
 */
import { seesStorage } from "../../../../protocol/host-drivers.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../../protocol/machine.ts";
import { deletedVolume } from "../../../../protocol/volume.ts";
import type { VolumeStorageState } from "../../../../protocol/volume-storage.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { Client } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Log } from "../../../../protocol/wire/transport.ts";
import type { Store, StorePart } from "../../../ports/store.ts";
import type { Commit, CommitResult } from "../../../records/commit.ts";
import type { HostRecord } from "../../../records/host.ts";
import { type PeriodicActor, periodicActor, type Round } from "../../../runtime/periodic.ts";
import { rowLetGo } from "../../request/row-changes.ts";
import { catalogLimits } from "../limits.ts";
import { copyVolumes, isSilentFor, type VolumeCopierOptions } from "./volume-copier.ts";

export interface VolumeSweeperOptions {
  readonly store: StorePart<{ hosts: "get" }> & Pick<Store, "rows">;
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly directory: {
    all(): readonly Pick<HostRecord, "id" | "storageId" | "drivers">[];
    alive(hostId: string): boolean;
    /** As the host says. Absent: nobody knows. */
    volumeStorages?(hostId: string): readonly VolumeStorageState[] | undefined;
  };
  readonly agent: (hostId: string) => Pick<Client<typeof hostAgentService>, "removeVolumes">;
}

type WorkerOptions = VolumeSweeperOptions & VolumeCopierOptions;

type Left = RowOf<typeof deletedVolume>;

export function volumeSweeperDefinition(options: WorkerOptions): PeriodicActor<null> {
  let copies = 0;
  return periodicActor<null>({
    name: "volume-sweeper",
    pauseMs: () => (copies > 0 ? catalogLimits.volumeCopyLookMs : catalogLimits.volumeSweepPeriodMs),
    roundMsMax: catalogLimits.volumeSweepRoundMsMax,
    begin: () => null,
    round: async (_state, { log }, one) => {
      copies = await copyVolumes(options, { log, ...one });
      await sweepVolumes(options, { log, ...one });
      return null;
    },
  });
}

/** One round over all that is left; a place that fails is tried again in the next round. */
export async function sweepVolumes(
  options: VolumeSweeperOptions,
  { log, fail, did, signal }: Round & { readonly log: Log },
): Promise<void> {
  const left = await allLeft(options.store);
  let removed = 0;
  for (const [place, volumes] of Map.groupBy(left, placeOf)) {
    if (signal.aborted) return;
    try {
      removed += await sweepPlace(volumes, options);
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Removing deleted volumes");
      log.warn({ reason, message, place }, "what is left of deleted volumes was not removed");
      fail();
    }
  }
  did(`${removed} of ${left.length} deleted volumes removed`);
}

const placeOf = ({ storageId, hostId }: Left): string =>
  storageId === null ? `host ${hostId}` : `storage ${storageId}`;

async function allLeft({ rows }: VolumeSweeperOptions["store"]): Promise<readonly Left[]> {
  const all: Left[] = [];
  for (;;) {
    const last = all.at(-1);
    const marker = last === undefined ? {} : { marker: last.id };
    const page = await rows.list(deletedVolume, { limit: wireLimits.pageLengthMax, ...marker });
    all.push(...page);
    if (page.length < wireLimits.pageLengthMax) return all;
  }
}

/**
 * Of one place. Answers how many are gone; where no host is heard that could remove them, none is. What was
 * on the own disk of a host that is no more has gone with it.
 */
async function sweepPlace(volumes: readonly Left[], options: VolumeSweeperOptions): Promise<number> {
  const { storageId = null, hostId = null } = volumes[0] ?? {};
  if (storageId === null && hostId === null) return letGo(volumes, options);
  const { directory, store } = options;
  if (hostId !== null && storageId === null && (await store.hosts.get(hostId)) === undefined)
    return letGo(volumes, options);
  const sees = (host: Pick<HostRecord, "id" | "storageId" | "drivers">) =>
    storageId === null ? host.id === hostId : seesStorage(host, storageId);
  const silenceOf = (id: string) => Number(isSilentFor(directory.volumeStorages?.(id), storageId));
  const able = directory
    .all()
    .filter((host) => sees(host) && directory.alive(host.id))
    .toSorted((a, b) => silenceOf(a.id) - silenceOf(b.id));
  let thrown: unknown;
  // One whose own view of the storage is broken keeps no other from being asked.
  for (const { id } of able.slice(0, catalogLimits.sweepHostsAskedMax))
    try {
      return await removeBy(id, volumes, options);
    } catch (error) {
      thrown = error;
    }
  if (thrown !== undefined) throw thrown;
  return 0;
}

/**
 * A part that fails keeps the next one from being asked for no more than once: the host may be what fails.
 */
async function removeBy(hostId: string, volumes: readonly Left[], options: VolumeSweeperOptions) {
  let gone = 0;
  let [thrown, failures]: [unknown, number] = [undefined, 0];
  for (let from = 0; from < volumes.length && failures < 2; from += storageLimits.volumesRemovedMax)
    try {
      const part = volumes.slice(from, from + storageLimits.volumesRemovedMax);
      gone += await removePart(hostId, part, options);
      failures = 0;
    } catch (error) {
      thrown = error;
      failures += 1;
    }
  if (thrown !== undefined && gone === 0) throw thrown;
  return gone;
}

async function removePart(hostId: string, part: readonly Left[], options: VolumeSweeperOptions) {
  const storageId = part[0]?.storageId ?? null;
  const named = part.map(({ id, epoch }) => ({ volumeId: id, epoch }));
  const timeoutMs = wireLimits.hostRequestTimeoutMs;
  const { removed } = await options.agent(hostId).removeVolumes({ storageId, volumes: named }, { timeoutMs });
  const isGone = ({ id, epoch }: Left) => removed.some((one) => one.volumeId === id && one.epoch === epoch);
  return letGo(part.filter(isGone), options);
}

/** One that never was on any storage has no file. */
async function letGo(volumes: readonly Left[], { commit }: VolumeSweeperOptions): Promise<number> {
  if (volumes.length === 0) return 0;
  const result = await commit({ rows: volumes.map(({ id }) => rowLetGo(deletedVolume, id)) });
  return result.kind === "committed" ? volumes.length : 0;
}
