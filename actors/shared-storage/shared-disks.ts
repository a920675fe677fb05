/**
 * A host's answers about the disks on its shared storage, whichever host owns them. It removes the disks that
 * it is told to, but never a disk of one of its own machines: that disk goes with its machine.
 */
import type { hostAgentService, Observation, SharedDisk } from "../../protocol/machine.ts";
import type { Handlers } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Disks } from "../ports/disks.ts";
import { sharedStorageLimits } from "./limits.ts";

export interface SharedDisksOptions {
  readonly storageId: string | null;
  readonly disks: Pick<Disks, "listShared" | "releaseShared">;
  readonly ledger: OwnMachines;
}

/** The machines of this host. */
interface OwnMachines {
  all(): readonly Observation[];
}

export function sharedDisksHandlers({
  storageId,
  disks,
  ledger,
}: SharedDisksOptions): Pick<Handlers<typeof hostAgentService>, "sharedDisks" | "removeSharedDisks"> {
  const assertSeen = (asked: string) => {
    if (asked === storageId) return;
    throw new StatusError("diskMissing", `This host does not see the storage ${asked}.`);
  };
  return {
    sharedDisks: async ({ storageId: asked, marker = "" }) => {
      assertSeen(asked);
      return pageOf((await disks.listShared()).filter(({ instanceId }) => instanceId > marker));
    },
    removeSharedDisks: async ({ storageId: asked, disks: unwanted }) => {
      assertSeen(asked);
      const removed = unwanted.filter((disk) => !isOwn(disk, ledger));
      for (const { instanceId, ownerEpoch } of removed) await disks.releaseShared(instanceId, ownerEpoch);
      return { removed };
    },
  };
}

function isOwn({ instanceId, ownerEpoch }: SharedDisk, ledger: OwnMachines): boolean {
  return ledger
    .all()
    .some((one) => one.instanceId === instanceId && one.ownerEpoch <= ownerEpoch && one.state !== "gone");
}

/** Cuts the page between two instances: all owner epochs of one instance are in the same page. */
function pageOf(disks: readonly SharedDisk[]): { disks: SharedDisk[]; nextMarker?: string } {
  const last = disks[sharedStorageLimits.sharedDisksPageLength - 1];
  if (last === undefined) return { disks: [...disks] };
  const page = disks.filter(({ instanceId }) => instanceId <= last.instanceId);
  return { disks: page, ...(page.length < disks.length ? { nextMarker: last.instanceId } : {}) };
}
