/**
 * Lists what there is of volumes: on each storage that hosts share, as one of them says it, and on the own
 * disk of each host. Reads only, in pages. A place that cannot be listed is told, and never taken as empty.
 */

import { canHaveVolumes, storagesSeenBy } from "../../../protocol/host-drivers.ts";
import type { VolumeFile } from "../../../protocol/host-volumes.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { Client } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { HostRecord } from "../../records/host.ts";
import { storagesOf } from "../../shared-storage/listing.ts";
import { doctorLimits } from "./limits.ts";

export type VolumeAgent = Pick<Client<typeof hostAgentService>, "listVolumes">;

/** A storage that hosts share, or the own disk of a host. */
export type VolumePlace =
  | { readonly storageId: string; readonly hostId: null }
  | { readonly storageId: null; readonly hostId: string };

export type VolumeFiles = VolumePlace &
  ({ readonly files: readonly VolumeFile[] } | { readonly error: string });

type Seeing = Pick<HostRecord, "id" | "storageId" | "drivers">;

/** `hosts`: the hosts whose agents can be asked. */
export async function listVolumeFiles(
  hosts: readonly Seeing[],
  agent: (hostId: string) => VolumeAgent,
): Promise<readonly VolumeFiles[]> {
  const able = hosts.filter(({ drivers }) => canHaveVolumes(drivers));
  const seen = able.flatMap((host) => storagesSeenBy(host).map((storageId) => ({ id: host.id, storageId })));
  const shared = storagesOf(seen).map(({ storageId, hostIds }) =>
    listPlace({ storageId, hostId: null }, hostIds.slice(0, doctorLimits.volumeHostsAskedMax), agent),
  );
  const own = able.map(({ id }) => listPlace({ storageId: null, hostId: id }, [id], agent));
  return (await Promise.all([...shared, ...own])).flatMap((one) => one ?? []);
}

/** Undefined: its hosts have agents of before, which do not say. */
async function listPlace(
  place: VolumePlace,
  hostIds: readonly string[],
  agent: (hostId: string) => VolumeAgent,
): Promise<VolumeFiles | undefined> {
  let failed: VolumeFiles | undefined;
  for (const hostId of hostIds)
    try {
      return { ...place, files: await allFiles(place, agent(hostId)) };
    } catch (thrown) {
      const { code, message } = StatusError.from(thrown, "Listing the volumes");
      if (code !== "UNIMPLEMENTED") failed = { ...place, error: message };
    }
  return failed;
}

async function allFiles({ storageId }: VolumePlace, agent: VolumeAgent): Promise<readonly VolumeFile[]> {
  const all: VolumeFile[] = [];
  const timeoutMs = wireLimits.hostRequestTimeoutMs;
  for (let marker: { marker?: string } = {}; ; ) {
    const { volumes, nextMarker } = await agent.listVolumes({ storageId, ...marker }, { timeoutMs });
    all.push(...volumes);
    if (nextMarker === undefined) return all;
    // A host that lists for ever would keep the doctor from everything else.
    if (nextMarker <= (marker.marker ?? "") || all.length > doctorLimits.volumeFilesMax)
      throw new StatusError("internal", "The host's list of volumes has no end.");
    marker = { marker: nextMarker };
  }
}
