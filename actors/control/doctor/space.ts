/**
 * File systems of hosts, and of the controller that was asked, that are full, silent, or near it; and disks
 * to which more is promised than is free. Messages have no numbers that change: two looks compare them. Pure.
 */

import type { Finding } from "../../../protocol/host.ts";
import { spaceLimits } from "../../../protocol/limits/space.ts";
import { fullBelow, isSilent, newDiskFloorMib, type Space } from "../../../protocol/space.ts";
import { mebibytes } from "../../../protocol/wire/wording.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Observation } from "./drivers.ts";
import { type DoctorInput, hostCalled, type Known } from "./input.ts";

/** A storage that hosts share is one finding, unless some of them alone get no answer. */
export function spaceFindings({ answers, spaces = [], hosts }: DoctorInput, known: Known): Finding[] {
  const storages = new Map(hosts.map(({ id, storageId }) => [id, storageId]));
  const shared = new Map<string, Seen[]>();
  const ofHosts = answers.flatMap((answer) => {
    if (!("audit" in answer)) return [];
    const { hostId, audit } = answer;
    const storageId = storages.get(hostId) ?? null;
    const isShared = ({ disks }: Space) => storageId !== null && disks === true;
    for (const space of (audit.space ?? []).filter(isShared)) {
      const seen = shared.get(storageId ?? "") ?? [];
      shared.set(storageId ?? "", [...seen, { hostId, space }]);
    }
    return worst(
      (audit.space ?? []).filter((space) => !isShared(space)),
      hostCalled(known, hostId),
    );
  });
  const ofStorages = [...shared].flatMap(([id, seen]) => ofShared(id, seen, known));
  return [...ofHosts, ...ofStorages, ...worst(spaces, "controllers")];
}

interface Seen {
  readonly hostId: string;
  readonly space: Space;
}

function ofShared(storageId: string, seen: readonly Seen[], known: Known): Finding[] {
  const silent = seen.filter(({ space }) => isSilent(space));
  const answering = seen.filter(({ space }) => !isSilent(space));
  const least = (some: readonly Seen[]) =>
    some
      .map(({ space }) => space)
      .sort(byFree)
      .slice(0, 1);
  if (answering.length === 0) return worst(least(silent), `storage ${storageId}`);
  return [
    ...silent.flatMap(({ hostId, space }) => worst([space], hostCalled(known, hostId))),
    ...worst(least(answering), `storage ${storageId}`),
  ];
}

const byFree = (one: Space, other: Space): number => one.freeMib - other.freeMib;

const bytesPerMib = 1024 * 1024;

/** One finding for each, the worst: what follows from it need not be said. */
const worst = (spaces: readonly Space[], subject: string): Finding[] =>
  spaces.flatMap((space) => {
    const found = judgedFull(space) ?? judgedSilent(space) ?? judgedLow(space) ?? judgedUsed(space);
    return found === undefined ? [] : [{ subject, ...found }];
  });

type Judged = Omit<Finding, "subject"> | undefined;

function judgedFull({ of, freeMib, totalMib, full }: Space): Judged {
  if (!full) return undefined;
  return {
    kind: "stuck",
    message: `The file system of the ${of} is full: no new guest is made there.`,
    next: `Free space there: ${freeMib} of ${totalMib} MiB are free, ${enoughMib(totalMib)} are needed.`,
  };
}

function judgedSilent(space: Space): Judged {
  if (!isSilent(space)) return undefined;
  const { of, silentMs = 0 } = space;
  return {
    kind: "stuck",
    message: `The file system of the ${of} does not answer: no new disk is placed there.`,
    next: `It is silent for ${Math.round(silentMs / 1_000)} s: look at its server, and at the way there.`,
  };
}

const freeOf = ({ freeMib, totalMib }: Space): string =>
  `${mebibytes(freeMib)} of ${mebibytes(totalMib)} are free`;

function judgedLow(space: Space): Judged {
  const floorMib = newDiskFloorMib(space);
  if (space.disks !== true || space.freeMib >= floorMib) return undefined;
  return {
    kind: "stuck",
    message: `The file system of the ${space.of} has too little room: no new disk is placed there.`,
    next: `Free space there: ${freeOf(space)}, and ${mebibytes(floorMib)} are kept for disks that are there.`,
  };
}

function judgedUsed(space: Space): Judged {
  const { of, freeMib, totalMib, disks } = space;
  const { advisedUsedShare } = spaceLimits;
  if (disks !== true || totalMib - freeMib <= advisedUsedShare * totalMib) return undefined;
  const floor = mebibytes(newDiskFloorMib(space));
  return {
    kind: "advice",
    message: `More than ${Math.round(advisedUsedShare * 100)} % of the file system of the ${of} are used.`,
    next: `${freeOf(space)}: free some, or add storage; below ${floor} no new disk is placed there.`,
  };
}

const enoughMib = (totalMib: number): number =>
  Math.ceil((fullBelow({ totalBytes: totalMib * bytesPerMib }) * spaceLimits.roomAgainShare) / bytesPerMib);

/** What the volumes of a storage really take, as the hosts that see it say; 0: none says so. */
function volumesWrittenMib(answers: DoctorInput["answers"], place: VolumePlace): number {
  const told = answers.flatMap((answer) => {
    const isMeant = place.storageId !== null || answer.hostId === place.hostId;
    if (!isMeant || !("audit" in answer)) return [];
    return (answer.audit.volumeStorages ?? []).filter(({ storageId }) => storageId === place.storageId);
  });
  return Math.max(0, ...told.map(({ allocatedMib = 0 }) => allocatedMib));
}

/**
 * Storages whose disks may grow by more than is free: disks are thin, so this is meant, until all of them are
 * written. Of a storage that hosts share only when each of its hosts has said what its guests' disks take.
 */
export function overcommitObservations({ answers, hosts }: DoctorInput): Observation[] {
  const told = new Map(
    answers.flatMap((answer) => {
      const room = "audit" in answer ? answer.audit.space?.find(({ disks }) => disks === true) : undefined;
      return room === undefined ? [] : [[answer.hostId, room] as const];
    }),
  );
  const storages = Map.groupBy(hosts, ({ id, storageId }) => storageId ?? id);
  return [...storages].flatMap(([id, its]) => {
    const place = { storageId: its[0]?.storageId ?? null, hostId: its[0]?.id ?? null };
    return overcommitOf(id, its, { told, volumesMib: volumesWrittenMib(answers, place) });
  });
}

interface VolumePlace {
  readonly storageId: string | null;
  readonly hostId: string | null;
}

function overcommitOf(
  storageId: string,
  hosts: readonly HostRecord[],
  { told, volumesMib }: { readonly told: ReadonlyMap<string, Space>; readonly volumesMib: number },
): Observation[] {
  const [host] = hosts;
  const rooms = hosts.flatMap(({ id }) => told.get(id) ?? []);
  const allocated = rooms.flatMap(({ allocatedMib }) => allocatedMib ?? []);
  if (host === undefined || allocated.length < hosts.length) return [];
  const promisedMib = (host.storage?.diskGibClaimed ?? host.diskGibClaimed) * 1_024;
  const writtenMib = allocated.reduce((sum, one) => sum + one, volumesMib);
  const growsMib = Math.max(0, promisedMib - writtenMib);
  const freeMib = Math.min(...rooms.map((room) => room.freeMib));
  if (growsMib <= freeMib) return [];
  const subject = host.storageId === null ? `host ${host.name}` : `storage ${storageId}`;
  const more = freeMib === 0 ? "" : `, ${(growsMib / freeMib).toFixed(1)} times as much`;
  const message =
    `Disks may grow by ${mebibytes(growsMib)}, and ${mebibytes(freeMib)} are free${more}: of ` +
    `${mebibytes(promisedMib)} that are promised ${mebibytes(writtenMib)} are written.`;
  return [{ subject, message }];
}
