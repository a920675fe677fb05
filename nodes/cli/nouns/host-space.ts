/**
 * A host's file systems in words: what is free, what takes it, and what is promised to disks there. It reads
 * what the host and the controller said, and asks nobody.
 */
import type { Host } from "../../../protocol/host.ts";
import { isSilent, newDiskFloorMib, type Space } from "../../../protocol/space.ts";
import { duration, gibibytes, mebibytes } from "../format.ts";
import type { Fact } from "../table.ts";

/** The file system on which the host makes disks; undefined: it has not said which. */
const roomOf = ({ space = [] }: Host): Space | undefined => space.find(({ disks }) => disks === true);

export const freeMibOf = (host: Host): number => roomOf(host)?.freeMib ?? -1;

/** What is really free where disks are made, beside what is claimed there. */
export function freeCell(host: Host): string {
  const room = roomOf(host);
  return room === undefined ? "-" : `${mebibytes(room.freeMib)} / ${mebibytes(room.totalMib)}`;
}

export const spaceFacts = (host: Host): readonly Fact[] => [
  ["disk", diskOf(host)],
  ["promised", overcommitOf(host), "yellow"],
  ...(host.space ?? []).map(spaceFact),
];

function diskOf({ claimed, capacity, ...host }: Host): string {
  const { allocatedMib } = roomOf({ claimed, capacity, ...host }) ?? {};
  const claims = `${gibibytes(claimed.diskGib)} of ${gibibytes(capacity.diskGib)} claimed`;
  if (allocatedMib === undefined) return claims;
  return `${claims}, ${mebibytes(allocatedMib)} written${host.storageId === null ? "" : " by its guests"}`;
}

/** Of a storage that hosts share one host does not know what is written: the doctor adds that up. */
function overcommitOf(host: Host): string | undefined {
  const { allocatedMib, freeMib = 0 } = roomOf(host) ?? {};
  if (allocatedMib === undefined || host.storageId !== null) return undefined;
  const growsMib = host.claimed.diskGib * 1_024 - allocatedMib;
  if (growsMib <= freeMib) return undefined;
  return `disks may grow by ${mebibytes(growsMib)}, and ${mebibytes(freeMib)} are free`;
}

function spaceFact(space: Space): Fact {
  const { of, freeMib, totalMib, allocatedMib, imagesMib } = space;
  const parts = [
    `${mebibytes(freeMib)} of ${mebibytes(totalMib)} free`,
    ...(allocatedMib === undefined ? [] : [`disks ${mebibytes(allocatedMib)}`]),
    ...(imagesMib === undefined ? [] : [`images ${mebibytes(imagesMib)}`]),
  ];
  const trouble = troubleOf(space);
  if (trouble === undefined) return [of, parts.join(", ")];
  return [of, `${parts.join(", ")}: ${trouble}`, "red"];
}

function troubleOf(space: Space): string | undefined {
  if (space.full) return "full, nothing new is made there";
  if (isSilent(space)) return `silent for ${duration(space.silentMs ?? 0)}, no new disk is placed there`;
  if (space.disks === true && space.freeMib < newDiskFloorMib(space)) return "no new disk is placed there";
  return undefined;
}
