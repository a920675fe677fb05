/**
 * The room that volumes take of storages and of hosts' own disks, and what is left of deleted ones: counted
 * from the commits themselves (V4).
 */

import { deletedVolume, volume } from "../../protocol/volume.ts";
import type { ResourceRow } from "../../protocol/wire/resource.ts";
import type { Commit } from "../records/commit.ts";
import { changedId, rowAfter } from "./row-written.ts";

type Taking = ResourceRow & {
  readonly sizeGib: number;
  readonly storageId: string | null;
  readonly hostId: string | null;
};

export interface VolumeRoom {
  /** Answers the storages and the hosts of which more is taken than before. */
  apply(commit: Commit): { readonly storages: readonly string[]; readonly hosts: readonly string[] };
  on(field: "storageId" | "hostId", id: string): number;
}

export function volumeRoom(): VolumeRoom {
  const rows = new Map<string, Taking>();
  return {
    apply({ rows: changes = [], hostsRemoved = [] }) {
      const more: Taking[] = [];
      for (const change of changes) {
        const { table } = change.resource;
        if (table !== volume.table && table !== deletedVolume.table) continue;
        const key = `${table} ${changedId(change)}`;
        const before = rows.get(key);
        const after = rowAfter(change, before) as Taking | undefined;
        if (after === undefined) rows.delete(key);
        else rows.set(key, after);
        if (after !== undefined && table === volume.table && grows(before, after)) more.push(after);
      }
      for (const { hostId } of hostsRemoved)
        for (const [key, row] of rows) if (row.hostId === hostId) rows.delete(key);
      return {
        storages: more.flatMap(({ storageId }) => storageId ?? []),
        hosts: more.flatMap(({ hostId }) => hostId ?? []),
      };
    },
    on: (field, id) =>
      [...rows.values()].reduce((sum, row) => sum + (row[field] === id ? row.sizeGib : 0), 0),
  };
}

const grows = (before: Taking | undefined, after: Taking): boolean =>
  before === undefined ||
  before.storageId !== after.storageId ||
  before.hostId !== after.hostId ||
  before.sizeGib < after.sizeGib;
