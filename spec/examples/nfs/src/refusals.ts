/** What the storage refuses, in words. Pure. */
import { StatusError } from "novact/plugin";

export const stale = (volumeId: string): StatusError =>
  new StatusError("staleEpoch", `The volume ${volumeId} belongs to a newer epoch.`);

export const missing = (volumeId: string, epoch: number): StatusError =>
  new StatusError("diskMissing", `The volume ${volumeId} of epoch ${epoch} is not on the storage.`);

export const another = (volumeId: string): StatusError =>
  new StatusError("hypervisorRefused", `The volume ${volumeId} is open for another instance.`);

export const full = (): StatusError =>
  new StatusError("diskFull", "The storage of volumes has no room for that.");

export const silent = (): StatusError =>
  new StatusError("storageUnknown", "The NFS server of the volumes does not answer.");

export const busy = (): StatusError =>
  new StatusError("storageUnknown", "The NFS server of the volumes has more to do than it can: ask again.");

export const refused = (message: string, detail?: string): StatusError =>
  new StatusError("hypervisorRefused", message, detail === undefined ? {} : { detail });
