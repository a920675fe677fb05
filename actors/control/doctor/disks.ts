/**
 * Compares the disks on shared storage with the instances: disks that nobody owns, disks newer than the rows,
 * and missing disks. Pure; actors/shared-storage/ownerless.ts defines what nobody owns, and the sweeper
 * removes by the same rule.
 */
import type { Finding } from "../../../protocol/host.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { epochsOf, type StorageListing } from "../../shared-storage/listing.ts";
import { type DiskOwner, ownerlessUpTo } from "../../shared-storage/ownerless.ts";
import type { DoctorInput, Known } from "./input.ts";

export function diskFindings({ storages = [] }: DoctorInput, known: Known): Finding[] {
  return storages.flatMap((storage) => {
    if ("error" in storage) return [unreadable(storage)];
    const epochs = epochsOf(storage);
    const judged = [...epochs].filter(([instanceId]) => !known.unsettled.has(instanceId));
    return [
      ...judged.flatMap(([instanceId, those]) =>
        judgeOne(storage, instanceId, { epochs: those, owner: storage.owners.get(instanceId) }),
      ),
      ...missing(storage, epochs, known),
    ];
  });
}

const called = ({ storageId }: Pick<StorageListing, "storageId">): string => `storage ${storageId}`;

function unreadable(storage: { readonly storageId: string; readonly error: string }): Finding {
  return {
    kind: "drift",
    subject: called(storage),
    message: `Its disks were not compared, for no host could list them: ${storage.error}`,
    next: "Is the storage there, and does it answer? Look at it on a host that shares it.",
  };
}

interface Disks {
  readonly epochs: readonly number[];
  readonly owner: DiskOwner | undefined;
}

function judgeOne(storage: StorageListing, instanceId: string, { epochs, owner }: Disks): Finding[] {
  const subject = `disk of ${instanceId}`;
  const where = `on ${called(storage)}`;
  const newest = epochs.at(-1) ?? 0;
  if (owner === undefined) {
    const message = `It is ${where} (epoch ${epochs.join(", ")}), and no instance with this id is remembered.`;
    const next = "When no other cell uses this storage, remove its directory there by hand.";
    return [{ kind: "leak", subject, message, next }];
  }
  if (owner.settled && newest > owner.ownerEpoch) {
    const message = `${where} it is of epoch ${newest}, and its instance is remembered with ${owner.ownerEpoch}.`;
    const next = "Is the database an old one, from a backup? Nothing is removed before this is understood.";
    return [{ kind: "drift", subject, message: capitalized(message), next }];
  }
  const last = ownerlessUpTo(storage.storageId, epochs, owner);
  if (last === 0) return [];
  const nobodys = epochs.filter((ownerEpoch) => ownerEpoch <= last).join(", ");
  const why = owner.deleted
    ? "its instance is deleted"
    : `its instance has gone on with epoch ${owner.ownerEpoch}`;
  return [
    {
      kind: "leak",
      subject,
      message: `It is nobody's (epoch ${nobodys}), ${where}: ${why}.`,
      next: `Controllers have it removed within ${storageLimits.sweepPeriodMs / 60_000} minutes; when it stays, report it.`,
    },
  ];
}

const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Missing disks of guests that have run; before the first run a disk may not have been made yet. */
function missing(
  storage: StorageListing,
  epochs: ReadonlyMap<string, readonly number[]>,
  known: Known,
): Finding[] {
  return [...known.settled.values()]
    .filter(({ instance }) => hasDiskOn(storage, instance) && !epochs.has(instance.id))
    .map(({ instance: { id } }) => ({
      kind: "drift",
      subject: `instance ${id}`,
      message: `Its disk is not on ${called(storage)}, where it shall be.`,
      next: "Look there for what has removed it; novact removes it only with its instance.",
    }));
}

function hasDiskOn({ storageId }: StorageListing, instance: InstanceRecord): boolean {
  const { built, image, flavor } = instance;
  return built && instance.storageId === storageId && (image.disk !== null || flavor.diskGib > 0);
}
