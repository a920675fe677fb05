/**
 * A host's answers about volumes that no guest has, on the storages that it sees. It removes what it is told
 * to, but never what one of its own machines may have open: that is for the machine to let go of first.
 */
import type { hostAgentService, Observation, VolumeRef } from "../../../protocol/machine.ts";
import type { Handlers } from "../../../protocol/wire/service.ts";
import type { VolumeStorages } from "../machine/volume-storages.ts";

interface OwnMachines {
  all(): readonly Observation[];
}

export function volumeHandlers(
  storages: VolumeStorages,
  ledger: OwnMachines,
): Pick<Handlers<typeof hostAgentService>, "removeVolumes" | "extendVolume"> {
  return {
    removeVolumes: async ({ storageId, volumes }, { signal }) => {
      const storage = await storages.find(storageId);
      const removed: VolumeRef[] = [];
      let thrown: unknown;
      // A volume that its storage does not remove keeps no other volume there.
      for (const one of volumes.filter((each) => !isOpen(each, ledger)))
        await storage.remove(one.volumeId, one.epoch, signal).then(
          () => removed.push(one),
          (error: unknown) => {
            thrown = error;
          },
        );
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

function isOpen({ volumeId, epoch }: VolumeRef, ledger: OwnMachines): boolean {
  const volumes = ledger.all().flatMap((one) => (one.state === "gone" ? [] : (one.volumes ?? [])));
  return volumes.some((one) => one.volumeId === volumeId && one.epoch <= epoch && one.state !== "dead");
}
