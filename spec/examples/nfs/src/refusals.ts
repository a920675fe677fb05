/** What the storage refuses, in words. Pure. */
import { StatusError } from "novact/plugin";
import { NfsError } from "./nfs.ts";
import { WireError } from "./xdr.ts";

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

/** Somebody came between, each time. */
export const contended = (volumeId: string): StatusError =>
  new StatusError("storageUnknown", `The volume ${volumeId} is being changed by others: ask again.`);

export const busy = (): StatusError =>
  new StatusError("storageUnknown", "The NFS server of the volumes has more to do than it can: ask again.");

/** No answer, so that the same is asked again: neither done nor refused. */
export const unknown = (message: string, detail: string): StatusError =>
  new StatusError("storageUnknown", message, { detail });

export const refused = (message: string, detail?: string): StatusError =>
  new StatusError("hypervisorRefused", message, detail === undefined ? {} : { detail });

/** What the server or the host's system has answered, in the words of the port; all else stays as it is. */
export function toldOf(error: unknown): unknown {
  if (error instanceof NfsError && error.fault === "full") return full();
  if (error instanceof NfsError && (error.fault === "later" || error.fault === "stale"))
    return unknown("The NFS server of the volumes cannot answer now.", error.message);
  if (error instanceof NfsError || error instanceof WireError)
    return refused("The NFS server could not do what was asked.", error.message);
  return isOfSystem(error) ? ofHost(error) : error;
}

/** Bridges have directories on the host, and are processes of it. */
const ofHost = (error: NodeJS.ErrnoException): StatusError =>
  error.code === "ENOSPC" || error.code === "EDQUOT"
    ? new StatusError("diskFull", "The state directory of the host has no room for the bridge to a volume.")
    : refused("The host could not do what the bridge to a volume needs.", error.message);

const isOfSystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && "code" in error;
