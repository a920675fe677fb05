/**
 * V3: no file of a volume without a row, and no row without a file beyond the operation that makes it. Judged
 * when all is quiet, from both sides, and what a deleted volume has left behind is gone by then as well. What
 * was left on the own disk of a host that was removed has gone with the host, for the ledger: should the host
 * come back, its files are its own.
 */
import type { Checker, Quiet } from "./facts.ts";
import { isCommitted } from "./ledger.ts";
import type { VolumesAtRest } from "./volume-facts.ts";

export function noFileWithoutRow(): Checker {
  const removed = new Set<string>();
  return {
    promise: "V3",
    see(fact) {
      if (isCommitted(fact)) for (const { hostId } of fact.commit.hostsRemoved ?? []) removed.add(hostId);
      return fact.kind === "quiet" ? still(fact, removed) : [];
    },
  };
}

function still({ volumes }: Quiet, removed: ReadonlySet<string>): readonly string[] {
  if (volumes === undefined) return [];
  return [
    ...rowFaults(volumes),
    ...volumes.files.filter(({ place }) => !removed.has(place)).flatMap((file) => fileFaults(file, volumes)),
    ...volumes.deleted.map((id) => `What is left of the deleted volume ${id} is not removed.`),
  ];
}

const rowFaults = ({ rows, files }: VolumesAtRest): readonly string[] =>
  rows
    .filter(({ id, place, made }) => made && !files.some((one) => isWhole(one, id, place)))
    .map(({ id, place }) => `Volume ${id} was made, and has no file on ${place ?? "any host"}.`);

const isWhole = (one: VolumesAtRest["files"][number], id: string, place: string | null): boolean =>
  one.volumeId === id && one.place === place && one.whole !== false;

function fileFaults(
  { volumeId, place, epoch }: VolumesAtRest["files"][number],
  { rows, deleted }: VolumesAtRest,
): readonly string[] {
  const row = rows.find(({ id }) => id === volumeId);
  const file = `The file of volume ${volumeId} (epoch ${epoch}) on ${place}`;
  if (row === undefined) return deleted.includes(volumeId) ? [] : [`${file} has no row.`];
  if (row.place !== place) return [`${file} belongs on ${row.place ?? "no host"}.`];
  return epoch <= row.epoch ? [] : [`${file} is of a later epoch than its row has (${row.epoch}).`];
}
