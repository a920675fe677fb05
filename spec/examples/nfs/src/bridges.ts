/**
 * What stands between a guest's hypervisor and the server. A hypervisor that could reach the server itself
 * could be made to by its guest, and a server of NFS believes whatever user somebody says to be. Interfaces,
 * and which bridges a use of a volume ends.
 */
import type { VolumeUse } from "novact/plugin";

export interface Bridge extends Pick<VolumeUse, "instanceId" | "ownerEpoch" | "epoch" | "mode"> {
  readonly volumeId: string;
}

/** A bridge offers the bytes that the file has when it begins, and no more as long as it lives. */
export interface Bridges {
  /**
   * Path of the socket at which a hypervisor finds the volume. A bridge of fewer bytes begins anew, unless
   * somebody is connected. @throws hypervisorRefused, storageUnknown
   */
  open(bridge: Bridge, sizeBytes: number, signal: AbortSignal): Promise<string>;
  /** Has the bridge begin anew at the same socket if it is of fewer bytes, and nobody is connected. */
  renew(bridge: Bridge, sizeBytes: number, signal: AbortSignal): Promise<void>;
  list(): Promise<readonly Bridge[]>;
  /** When this resolves nothing of it writes any more. @throws hypervisorRefused when it does not end */
  end(bridge: Bridge): Promise<void>;
}

export const isSame = (one: Bridge, other: Bridge): boolean => keyOf(one) === keyOf(other);

export const keyOf = ({ volumeId, epoch, instanceId, ownerEpoch, mode }: Bridge): string =>
  [volumeId, epoch, instanceId, ownerEpoch, mode].join(" ");

/** `begunBytes`: what the file had at least when the bridge began; 0 where nothing was noted. */
export const isOutgrown = (begunBytes: number, sizeBytes: number, isConnected: boolean): boolean =>
  begunBytes < sizeBytes && !isConnected;

/** Whether a bridge of the same volume has no use any more once the wanted one is there. */
export const isReplaced = (one: Bridge, wanted: Bridge): boolean =>
  one.volumeId === wanted.volumeId &&
  !isSame(one, wanted) &&
  (one.epoch < wanted.epoch ||
    (one.epoch === wanted.epoch &&
      one.instanceId === wanted.instanceId &&
      one.ownerEpoch <= wanted.ownerEpoch));
