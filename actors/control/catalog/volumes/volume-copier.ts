/**
 * Has copies of volumes made: it works off their rows, each of which keeps two volumes from everybody until a
 * host has said that the copy is there. A host that sees the storage is asked again and again; one that has
 * forgotten it begins anew. Every controller asks, and a copy that is made twice is the same. It must never
 * say that a copy is there on its own account.
 */
import { seesStorage } from "../../../../protocol/host-drivers.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../../protocol/machine.ts";
import { isSilent } from "../../../../protocol/space.ts";
import { volumeCopy } from "../../../../protocol/volume-copy.ts";
import type { VolumeStorageState } from "../../../../protocol/volume-storage.ts";
import type { Client } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Log } from "../../../../protocol/wire/transport.ts";
import type { Store } from "../../../ports/store.ts";
import type { Commit, CommitResult } from "../../../records/commit.ts";
import type { HostRecord } from "../../../records/host.ts";
import type { Round } from "../../../runtime/periodic.ts";
import { catalogLimits } from "../limits.ts";
import { type CopyRow, copyMade } from "./copied-volumes.ts";

export interface VolumeCopierOptions {
  readonly store: Pick<Store, "rows">;
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly directory: {
    all(): readonly Pick<HostRecord, "id" | "storageId" | "drivers">[];
    alive(hostId: string): boolean;
    /** As the host says. Absent: nobody knows. */
    volumeStorages?(hostId: string): readonly VolumeStorageState[] | undefined;
  };
  readonly agent: (hostId: string) => Pick<Client<typeof hostAgentService>, "copyVolume">;
}

const bytesOfGib = 1024 ** 3;

/** One round over all copies, the oldest first; answers how many are still to be made. */
export async function copyVolumes(
  options: VolumeCopierOptions,
  { log, fail, signal }: Pick<Round, "fail" | "signal"> & { readonly log: Log },
): Promise<number> {
  const copies = await options.store.rows.list(volumeCopy, { limit: wireLimits.pageLengthMax });
  let left = copies.length;
  for (const copy of copies) {
    if (signal.aborted) return left;
    try {
      if (await isMade(copy, options)) left -= 1;
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Having a volume copied");
      log.warn({ reason, message, volume: copy.id, source: copy.sourceId }, "a volume was not copied");
      fail();
    }
  }
  return left;
}

/**
 * The host with the first id is asked, as long as it is heard and answers: so one host makes the copy. One
 * whose own view of the storage is broken keeps no other from it.
 */
async function isMade(copy: CopyRow, options: VolumeCopierOptions): Promise<boolean> {
  let thrown: unknown;
  for (const hostId of ableHosts(copy, options))
    try {
      return await isMadeBy(hostId, copy, options);
    } catch (error) {
      thrown = error;
    }
  if (thrown !== undefined) throw thrown;
  return false;
}

/** Hosts for which the storage is silent come last: they must not keep others from being asked. */
function ableHosts({ storageId, hostId }: CopyRow, { directory }: VolumeCopierOptions): readonly string[] {
  const silenceOf = (id: string) => Number(isSilentFor(directory.volumeStorages?.(id), storageId));
  return directory
    .all()
    .filter((one) => (storageId === null ? one.id === hostId : seesStorage(one, storageId)))
    .filter(({ id }) => directory.alive(id))
    .map(({ id }) => id)
    .sort()
    .sort((a, b) => silenceOf(a) - silenceOf(b))
    .slice(0, catalogLimits.sweepHostsAskedMax);
}

async function isMadeBy(
  hostId: string,
  copy: CopyRow,
  { agent, commit }: VolumeCopierOptions,
): Promise<boolean> {
  const { id, epoch, sourceId, sourceEpoch, sizeGib, storageId } = copy;
  const asked = {
    ...{ storageId, sizeBytes: sizeGib * bytesOfGib },
    ...{ source: { volumeId: sourceId, epoch: sourceEpoch }, copy: { volumeId: id, epoch } },
  };
  const { made } = await agent(hostId).copyVolume(asked, { timeoutMs: wireLimits.hostRequestTimeoutMs });
  return made && (await commit({ rows: copyMade(copy) })).kind === "committed";
}

/** Whether a host says of the storage that the storage has not answered lately. */
export const isSilentFor = (
  told: readonly VolumeStorageState[] | undefined,
  storageId: string | null,
): boolean => told?.some((one) => one.storageId === storageId && isSilent(one)) === true;
