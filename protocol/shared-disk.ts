/** What controllers ask one of the hosts that share a storage, for all of them, about the disks there. */
import { type Static, Type } from "@sinclair/typebox";
import { storageLimits } from "./limits/storage.ts";
import { answer, Count, Id, request } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

/** A disk on shared storage: the one that an owner epoch of an instance has, or has left, there. */
export const SharedDisk = answer({ instanceId: Id, ownerEpoch: Count });
export type SharedDisk = Static<typeof SharedDisk>;

export const sharedDiskMethods = {
  /** Separate from `audit`: only one of the hosts that share a storage is asked, for all of them. */
  sharedDisks: method({
    request: request({
      storageId: Id,
      /** The last instance id of the previous page. */
      marker: Type.Optional(Id),
    }),
    answer: answer({ disks: Type.Array(SharedDisk), nextMarker: Type.Optional(Id) }),
    target: "collection",
    audience: "admin",
    mutates: false,
    summary: "Lists the disks on the storage that the host shares with others, in order of instance ids.",
  }),
  removeSharedDisks: method({
    request: request({
      storageId: Id,
      disks: Type.Array(SharedDisk, { maxItems: storageLimits.sharedDisksRemovedMax }),
    }),
    answer: answer({
      /**
       * The disks that were removed. The others belong to machines of this host, and are removed with
       * these.
       */
      removed: Type.Array(SharedDisk),
    }),
    target: "collection",
    audience: "admin",
    mutates: true,
    summary: "Removes disks that nobody owns: of each instance, that of this epoch and those before it.",
  }),
} as const;

/**
 * State of a host's storage lease. `held`: by a process of that host. `free`: by nobody, and it was not
 * taken. `taken`: another host took it, for good. `absent`: no such lease, or not visible to the host that
 * was asked.
 */
export const storageLeaseStates = ["held", "free", "taken", "absent"] as const;
