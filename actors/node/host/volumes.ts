/**
 * A host's answers about volumes that no guest has, on the storages that it sees. It removes what it is told
 * to, but never what one of its own machines may have open: that is for the machine to let go of first.
 */

import { storageLimits } from "../../../protocol/limits/storage.ts";
import type { hostAgentService, Observation, VolumeRef } from "../../../protocol/machine.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { KeptVolume, VolumePage, VolumeStorage } from "../../ports/volumes.ts";
import type { VolumeStorages } from "../machine/volume-storages.ts";
import { hostLimits } from "./limits.ts";

interface OwnMachines {
  all(): readonly Observation[];
}

export function volumeHandlers(
  storages: VolumeStorages,
  ledger: OwnMachines,
  clock: Pick<Clock, "monotonicMs">,
): Pick<Handlers<typeof hostAgentService>, "listVolumes" | "removeVolumes" | "extendVolume"> {
  return {
    listVolumes: async ({ storageId, marker }) => pageOf(await storages.find(storageId), marker),
    removeVolumes: async ({ storageId, volumes }, { signal }) => {
      const storage = await storages.find(storageId);
      const removed: VolumeRef[] = [];
      let thrown: unknown;
      const endsAtMs = clock.monotonicMs() + hostLimits.volumesRemovalMsMax;
      // A volume that its storage does not remove keeps no other volume there.
      for (const one of volumes.filter((each) => !isOpen(each, ledger))) {
        // What is told too late is asked for again and again, and never told.
        if (removed.length > 0 && clock.monotonicMs() > endsAtMs) break;
        await storages.makings.callOff(one.volumeId);
        await storage.remove(one.volumeId, one.epoch, signal).then(
          () => removed.push(one),
          (error: unknown) => {
            thrown = error;
          },
        );
      }
      if (thrown !== undefined && removed.length === 0) throw thrown;
      return { removed };
    },
    extendVolume: async ({ storageId, volumeId, epoch, sizeBytes }, { signal }) => {
      const storage = await storages.find(storageId);
      await storage.extend(volumeId, { epoch, sizeBytes }, signal);
      return {};
    },
  };
}

async function pageOf(storage: VolumeStorage, after: string | undefined) {
  const { volumeFilesPageMax } = storageLimits;
  const { volumesPageLength } = hostLimits;
  const { volumes, next } =
    (await storage.page?.(after, volumesPageLength)) ?? (await cutPage(storage, after));
  return {
    volumes: volumes
      .slice(0, volumeFilesPageMax)
      .map(({ volumeId, epoch, whole }) => ({ volumeId, epoch, whole })),
    ...(next === undefined ? {} : { nextMarker: next }),
  };
}

/** A page of a storage that can only list all its volumes. */
async function cutPage(storage: VolumeStorage, after: string | undefined): Promise<VolumePage> {
  const isAfter = ({ volumeId }: KeptVolume) => after === undefined || volumeId > after;
  const left = (await storage.volumes()).filter(isAfter);
  const ids = [...new Set(left.map(({ volumeId }) => volumeId))].sort();
  const last = ids[hostLimits.volumesPageLength - 1];
  if (last === undefined) return { volumes: left };
  const volumes = left.filter(({ volumeId }) => volumeId <= last);
  return { volumes, ...(volumes.length < left.length ? { next: last } : {}) };
}

function isOpen({ volumeId, epoch }: VolumeRef, ledger: OwnMachines): boolean {
  const volumes = ledger.all().flatMap((one) => (one.state === "gone" ? [] : (one.volumes ?? [])));
  return volumes.some((one) => one.volumeId === volumeId && one.epoch <= epoch && one.state !== "dead");
}
