/**
 * The room that volumes take of storages and of hosts' own disks, in memory as volume.sql has it: from the
 * commit that says where one is until nothing of it is left.
 */

import { deletedVolume, volume } from "../../../protocol/volume.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import type { Refusal, Tables, Work } from "../../rows/tables.ts";
import { forgetStorage, largestOf, takeStorage } from "../storage/memory.ts";

type Place = Pick<Work, "tables" | "journal">;

/** What of a volume's row takes room. */
interface Taking {
  readonly sizeGib: number;
  readonly storageId: string | null;
  readonly hostId: string | null;
}

/** Of other rows nothing. What is left of a deleted volume is refused nothing: it had its room before. */
export function applyVolumeRoom(
  place: Place,
  { table }: Resource,
  before: ResourceRow | undefined,
  after: ResourceRow | undefined,
): Refusal | undefined {
  if (table !== volume.table && table !== deletedVolume.table) return undefined;
  const [was, is] = [takingOf(before as Kept | undefined), takingOf(after as Kept | undefined)];
  if (was.storageId === is.storageId && was.hostId === is.hostId && was.sizeGib === is.sizeGib)
    return undefined;
  const isJudged = table === volume.table;
  return onStorage(place, was, is, isJudged) ?? onHost(place, was, is, isJudged);
}

type Kept = ResourceRow & Taking;

const takingOf = (row: Kept | undefined): Taking => row ?? { sizeGib: 0, storageId: null, hostId: null };

function onStorage(place: Place, was: Taking, is: Taking, isJudged: boolean): Refusal | undefined {
  const { tables } = place;
  for (const id of new Set([was.storageId, is.storageId])) {
    if (id === null) continue;
    const more = (is.storageId === id ? is.sizeGib : 0) - (was.storageId === id ? was.sizeGib : 0);
    const there = tables.storages.get(id);
    const fits = there !== undefined && there.diskGibClaimed + more <= there.diskGib;
    if (more > 0 && isJudged && !fits) return { kind: "hostFull", hostId: is.hostId ?? "" };
    takeStorage(place, there ?? { id, diskGib: largestOf(tables, id) ?? 0, diskGibClaimed: 0 }, more);
    forgetStorage(place, id);
  }
  return undefined;
}

function onHost(place: Place, was: Taking, is: Taking, isJudged: boolean): Refusal | undefined {
  for (const id of new Set([was.hostId, is.hostId])) {
    if (id === null) continue;
    const more = (is.hostId === id ? is.sizeGib : 0) - (was.hostId === id ? was.sizeGib : 0);
    const host = place.tables.hosts.get(id);
    const fits = host !== undefined && host.diskGibClaimed + more <= host.diskGib;
    if (more > 0 && isJudged && !fits) return { kind: "hostFull", hostId: id };
    if (host === undefined) continue;
    place.tables.hosts.put(id, { ...host, diskGibClaimed: host.diskGibClaimed + more }, place.journal);
  }
  return undefined;
}

/** Whether a volume is on the own disk of one of these hosts, which then stays. */
/** A volume of an instance that is deleted already goes as its claim does. */
export const holdsVolumes = (tables: Tables, hostId: string): boolean =>
  [...tables.rowsOf(volume).values()].some(
    (row) => row.hostId === hostId && !isDeleted(tables, row.instanceId),
  );

const isDeleted = ({ instances }: Tables, instanceId: string | null): boolean =>
  instanceId !== null && (instances.get(instanceId)?.deletedAtMs ?? null) !== null;

/** What was left of deleted volumes on the own disk of a host goes with the host. */
export function forgetVolumes({ tables, journal }: Place, hostId: string): void {
  for (const row of [...tables.rowsOf(deletedVolume).values()])
    if (row.hostId === hostId) tables.rowsOf(deletedVolume).delete(row.id, journal);
}

/** GiB that volumes, and what is left of deleted ones, take of a storage or of a host's own disk. */
export const volumesOn = (tables: Tables, field: "storageId" | "hostId", id: string): number =>
  [...tables.rowsOf(volume).values(), ...tables.rowsOf(deletedVolume).values()].reduce(
    (sum, row) => sum + (row[field] === id ? row.sizeGib : 0),
    0,
  );

/** The hosts on whose own disks there are any, deleted ones included. */
export const hostsOfVolumes = (tables: Tables): readonly string[] =>
  [...tables.rowsOf(volume).values(), ...tables.rowsOf(deletedVolume).values()].flatMap(
    ({ hostId }) => hostId ?? [],
  );
