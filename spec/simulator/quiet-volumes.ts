/** Volumes at a quiet point, from all sides: rows, files of storages, and processes of guests. */
import type { InstanceRow } from "../../actors/ports/instance-reads.ts";
import type { VolumesAtRest } from "../../actors/promises/volume-facts.ts";
import type { FakeVolumePool } from "../../nodes/drivers/fake/volumes.ts";
import { deletedVolume, volume } from "../../protocol/volume.ts";
import { volumeCopy } from "../../protocol/volume-copy.ts";
import type { Cluster } from "./cluster.ts";
import { outsideStorageId } from "./outside-volumes.ts";

const everything = 1_000_000;
const bytesPerGib = 1024 ** 3;

export async function volumesAtRest(
  cluster: Cluster,
  instances: readonly InstanceRow[],
): Promise<VolumesAtRest> {
  const { rows } = cluster.store.inner;
  const all = await rows.list(volume, { limit: everything });
  return {
    rows: all.map(({ id, epoch, sizeGib, storageId, hostId, made, instanceId }) => ({
      ...{ id, epoch, sizeGib, made, instanceId, place: storageId ?? hostId },
    })),
    deleted: (await rows.list(deletedVolume, { limit: everything })).map(({ id }) => id),
    copies: (await rows.list(volumeCopy, { limit: everything })).map(({ id, sourceId }) => ({
      id,
      sourceId,
    })),
    attached: instances.flatMap(({ instance }) =>
      (instance.volumes ?? []).map(({ volumeId, epoch, change }) => ({
        ...{ volumeId, epoch, instanceId: instance.id, change: change?.kind ?? null },
      })),
    ),
    files: [
      ...cluster.hosts.flatMap(({ machine: { name, world } }) => filesOf(name, world.volumes, cluster)),
      ...(cluster.storage === undefined
        ? []
        : filesOf(cluster.storage.storageId, cluster.storage.volumes, cluster)),
      ...(cluster.outside === undefined ? [] : filesOf(outsideStorageId, cluster.outside, cluster)),
    ],
    inGuests: cluster.hosts.flatMap(({ machine: { name, world } }) =>
      world.list().flatMap(({ instanceId }) =>
        [...(world.processOf(instanceId)?.volumes.values() ?? [])].map(({ volumeId, epoch, state }) => ({
          ...{ hostId: name, instanceId, volumeId, epoch, state },
        })),
      ),
    ),
  };
}

/** A storage knows a host by its world. */
function filesOf(place: string, pool: FakeVolumePool, { hosts }: Cluster): VolumesAtRest["files"] {
  const nameOf = (world: object) => hosts.find(({ machine }) => machine.world === world)?.machine.name ?? "";
  const whole = [...pool.volumes].map(([volumeId, { epoch, sizeBytes, file, uses }]) => ({
    ...{ place, volumeId, epoch, sizeGib: sizeBytes / bytesPerGib, writes: file.writes },
    openFor: [...uses].map(([instanceId, { host }]) => ({ hostId: nameOf(host), instanceId })),
  }));
  const parts = pool.parts.all.map(({ volumeId, epoch, sizeBytes }) => ({
    ...{ place, volumeId, epoch, sizeGib: sizeBytes / bytesPerGib, whole: false, openFor: [] },
  }));
  return [...whole, ...parts];
}
