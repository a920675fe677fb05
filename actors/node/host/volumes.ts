/**
 * A host's answers about volumes that no guest has, on the storages that it sees. It removes what it is told
 * to, but never what one of its own machines may have open: that is for the machine to let go of first.
 */
import type { hostAgentService, Observation, VolumeRef } from "../../../protocol/machine.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { VolumeStorage } from "../../ports/volumes.ts";

/** A storage of volumes that a host sees. */
export interface HostVolumes {
  /** Null: the host's own directory. */
  readonly storageId: string | null;
  readonly storage: VolumeStorage;
}

interface OwnMachines {
  all(): readonly Observation[];
}

/** @throws diskMissing when the host does not see this storage, or keeps no volumes at all */
function storageOf(storages: readonly HostVolumes[], storageId: string | null): VolumeStorage {
  const found = storages.find((one) => one.storageId === storageId);
  if (found !== undefined) return found.storage;
  const of = storageId === null ? "of its own" : `on the storage ${storageId}`;
  throw new StatusError("diskMissing", `This host keeps no volumes ${of}.`);
}

export function volumeHandlers(
  storages: readonly HostVolumes[],
  ledger: OwnMachines,
): Pick<Handlers<typeof hostAgentService>, "removeVolumes" | "extendVolume"> {
  return {
    removeVolumes: async ({ storageId, volumes }, { signal }) => {
      const storage = storageOf(storages, storageId);
      const removed = volumes.filter((one) => !isOpen(one, ledger));
      for (const { volumeId, epoch } of removed) await storage.remove(volumeId, epoch, signal);
      return { removed };
    },
    extendVolume: async ({ storageId, volumeId, epoch, sizeBytes }, { signal }) => {
      await storageOf(storages, storageId).extend(volumeId, { epoch, sizeBytes }, signal);
      return {};
    },
  };
}

function isOpen({ volumeId, epoch }: VolumeRef, ledger: OwnMachines): boolean {
  const volumes = ledger.all().flatMap((one) => (one.state === "gone" ? [] : (one.volumes ?? [])));
  return volumes.some((one) => one.volumeId === volumeId && one.epoch <= epoch && one.state !== "dead");
}
