/**
 * Has copies of volumes made: it works off their rows, each of which keeps two volumes from everybody until a
 * host has said that the copy is there. A host that sees the storage is asked again and again; one that has
 * forgotten it begins anew. Every controller asks, and a copy that is made twice is the same. It must never
 * say that a copy is there on its own account.
 */
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../../protocol/machine.ts";
import { volumeCopy } from "../../../../protocol/volume-copy.ts";
import type { Client } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Log } from "../../../../protocol/wire/transport.ts";
import type { Store } from "../../../ports/store.ts";
import type { Commit, CommitResult } from "../../../records/commit.ts";
import type { HostRecord } from "../../../records/host.ts";
import type { Round } from "../../../runtime/periodic.ts";
import { type CopyRow, copyMade } from "./copied-volumes.ts";

export interface VolumeCopierOptions {
  readonly store: Pick<Store, "rows">;
  readonly commit: (changes: Commit) => Promise<CommitResult>;
  readonly directory: {
    all(): readonly Pick<HostRecord, "id" | "storageId">[];
    alive(hostId: string): boolean;
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

/** The host with the first id, as long as that host is heard: so one host makes the copy. */
async function isMade(copy: CopyRow, { directory, agent, commit }: VolumeCopierOptions): Promise<boolean> {
  const { id, epoch, sourceId, sourceEpoch, sizeGib, storageId, hostId } = copy;
  const sees = (host: Pick<HostRecord, "id" | "storageId">) =>
    storageId === null ? host.id === hostId : host.storageId === storageId;
  const [host] = directory
    .all()
    .filter((one) => sees(one) && directory.alive(one.id))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  if (host === undefined) return false;
  const asked = {
    ...{ storageId, sizeBytes: sizeGib * bytesOfGib },
    ...{ source: { volumeId: sourceId, epoch: sourceEpoch }, copy: { volumeId: id, epoch } },
  };
  const { made } = await agent(host.id).copyVolume(asked, { timeoutMs: wireLimits.hostRequestTimeoutMs });
  return made && (await commit({ rows: copyMade(copy) })).kind === "committed";
}
