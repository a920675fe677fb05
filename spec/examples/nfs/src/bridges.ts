/**
 * What stands between a guest's hypervisor and the server. A hypervisor that could reach the server itself
 * could be made to by its guest, and a server of NFS believes whatever user somebody says to be. Interfaces,
 * and which bridges a use of a volume ends.
 */
import type { VolumeUse } from "novact/plugin";

export interface Bridge extends Pick<VolumeUse, "instanceId" | "ownerEpoch" | "epoch" | "mode"> {
  readonly volumeId: string;
}

export interface Bridges {
  /** Path of the socket at which a hypervisor finds the volume. @throws hypervisorRefused, storageUnknown */
  open(bridge: Bridge, signal: AbortSignal): Promise<string>;
  /** Begins anew at the same socket, to tell a new size; not while somebody is connected. */
  renew(bridge: Bridge, signal: AbortSignal): Promise<void>;
  list(): Promise<readonly Bridge[]>;
  /** When this resolves nothing of it writes any more. @throws hypervisorRefused when it does not end */
  end(bridge: Bridge): Promise<void>;
}

export const isSame = (one: Bridge, other: Bridge): boolean => keyOf(one) === keyOf(other);

export const keyOf = ({ volumeId, epoch, instanceId, ownerEpoch, mode }: Bridge): string =>
  [volumeId, epoch, instanceId, ownerEpoch, mode].join(" ");

/** Whether a bridge of the same volume has no use any more once the wanted one is there. */
export const isReplaced = (one: Bridge, wanted: Bridge): boolean =>
  one.volumeId === wanted.volumeId &&
  !isSame(one, wanted) &&
  (one.epoch < wanted.epoch ||
    (one.epoch === wanted.epoch &&
      one.instanceId === wanted.instanceId &&
      one.ownerEpoch <= wanted.ownerEpoch));
