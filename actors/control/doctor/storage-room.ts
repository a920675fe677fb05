/**
 * Room on storages that hosts share, counted in two ways: the sum by which creates are judged, and the disks
 * of the instances themselves. Both change in the same transactions, so a difference is a bug of novact, and
 * is reported as such. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { gibibytes } from "../../../protocol/wire/wording.ts";
import type { StorageTotal } from "../../ports/host-reads.ts";
import type { HostRecord } from "../../records/host.ts";
import type { DoctorInput } from "./input.ts";

export function storageFindings({ storageTotals = [], hosts }: DoctorInput): Finding[] {
  return storageTotals.flatMap((total) => [...drift(total), ...beyond(total), ...disagreement(total, hosts)]);
}

const called = ({ storageId }: StorageTotal): string => `storage ${storageId}`;

function drift(total: StorageTotal): Finding[] {
  const more = total.diskGibClaimed - total.diskGibCounted;
  if (more === 0) return [];
  return [
    {
      kind: "drift",
      subject: called(total),
      message: `Its sum and its disks differ: the sum has ${more > 0 ? "+" : ""}${more} GiB.`,
      next: "Report it: one transaction writes both. Keep the database as it is until then.",
    },
  ];
}

function beyond(total: StorageTotal): Finding[] {
  const { diskGib, diskGibClaimed } = total;
  if (diskGibClaimed <= diskGib) return [];
  return [
    {
      kind: "drift",
      subject: called(total),
      message: `More is claimed than it has: ${gibibytes(diskGibClaimed - diskGib)} too much.`,
      next: "Did it lose room, or do its hosts say less? Delete instances, or make it larger; nothing new comes.",
    },
  ];
}

/** The largest counts: a smaller word is a mistake, or of a version that said its own share. */
function disagreement(total: StorageTotal, hosts: readonly HostRecord[]): Finding[] {
  const its = hosts.filter(({ storageId }) => storageId === total.storageId);
  const least = its.reduce<HostRecord | undefined>(
    (found, host) => (found === undefined || host.diskGib < found.diskGib ? host : found),
    undefined,
  );
  if (least === undefined || least.diskGib === total.diskGib) return [];
  const said = `host ${least.name} says ${gibibytes(least.diskGib)}`;
  return [
    {
      kind: "advice",
      subject: called(total),
      message: `Its hosts do not agree how large it is: ${said}, another one ${gibibytes(total.diskGib)}, which counts.`,
      next: "Give all of them the same diskGib in cluster.yaml, or none, and start their agents anew.",
    },
  ];
}
