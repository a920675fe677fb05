/** Room on storages that hosts share, in memory as storage.sql and storage-offered.sql have it. */
import type { InstanceRecord } from "../../../actors/records/instance.ts";
import { storagesToldBy, type TellingHost } from "../../../protocol/host-drivers.ts";
import type { Refusal, StoredStorage, Tables, Work } from "../../rows/tables.ts";

type Place = Pick<Work, "tables" | "journal">;

/**
 * Gives back what the row of an instance took before, and takes what it takes from now on; `after` absent:
 * the row is no more.
 */
export function applyStorage(
  { tables, journal }: Place,
  before: InstanceRecord | undefined,
  after: InstanceRecord | undefined,
): Refusal | undefined {
  const [was, is] = [before?.storageId ?? null, after?.storageId ?? null];
  if (was === is) return undefined;
  const given = was === null ? undefined : tables.storages.get(was);
  if (given !== undefined) giveBack({ tables, journal }, given, before?.flavor.diskGib ?? 0);
  const [taken, wanted] = [is === null ? undefined : tables.storages.get(is), after?.flavor.diskGib ?? 0];
  if (is === null || wanted === 0) return undefined;
  if (taken === undefined || taken.diskGibClaimed + wanted > taken.diskGib)
    return { kind: "hostFull", hostId: after?.hostId ?? "" };
  takeStorage({ tables, journal }, taken, wanted);
  return undefined;
}

function giveBack(place: Place, storage: StoredStorage, less: number): void {
  takeStorage(place, storage, -less);
  forgetStorage(place, storage.id);
}

/** A storage that has no host any more goes with its last disk. */
export function forgetStorage({ tables, journal }: Place, id: string): void {
  if (tables.storages.get(id)?.diskGibClaimed === 0 && largestOf(tables, id) === undefined)
    tables.storages.delete(id, journal);
}

export function takeStorage({ tables, journal }: Place, storage: StoredStorage, more: number): void {
  const diskGibClaimed = storage.diskGibClaimed + more;
  tables.storages.put(storage.id, { ...storage, diskGibClaimed }, journal);
}

/** Call when a host was registered, changed or removed; absent: it was not there, or is no more. */
export function applyOffered(
  { tables, journal }: Place,
  ...rows: readonly (TellingHost | undefined)[]
): void {
  const told = rows.flatMap((row) => (row === undefined ? [] : storagesToldBy(row)));
  for (const id of new Set(told.map((one) => one.id))) {
    const largest = largestOf(tables, id);
    const known = tables.storages.get(id);
    if (largest === undefined) {
      if (known?.diskGibClaimed === 0) tables.storages.delete(id, journal);
    } else if (known?.diskGib !== largest)
      tables.storages.put(id, { diskGibClaimed: 0, ...known, id, diskGib: largest }, journal);
  }
}

/** GiB that the largest host of the storage says; undefined: the storage has no host. */
export function largestOf({ hosts }: Tables, id: string): number | undefined {
  const told = [...hosts.values()].flatMap((host) => storagesToldBy(host));
  const sizes = told.flatMap((one) => (one.id === id ? [one.gib] : []));
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}
