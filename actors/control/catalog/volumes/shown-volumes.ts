/**
 * Volumes as clients see them: a volume's row, with what its instance's row says of it. Nothing of this is
 * stored.
 */
import type { Volume, VolumeStatus, volume } from "../../../../protocol/volume.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { StorePart } from "../../../ports/store.ts";
import type { InstanceRecord } from "../../../records/instance.ts";
import { otherOfCopy } from "../../request/held-volume.ts";
import { shownRow } from "../../request/rows.ts";

type VolumeRow = RowOf<typeof volume>;

export async function withStatuses(
  rows: readonly VolumeRow[],
  store: StorePart<{ instances: "list"; rows: "called" }>,
): Promise<readonly Volume[]> {
  const ids = [...new Set(rows.flatMap(({ instanceId }) => instanceId ?? []))];
  const page = ids.length === 0 ? [] : (await store.instances.list({ ids, limit: ids.length })).rows;
  const instances = new Map(page.map(({ instance }) => [instance.id, instance]));
  return Promise.all(
    rows.map(async (row) => {
      const instance = instances.get(row.instanceId ?? "");
      const isCopied = instance === undefined && (await otherOfCopy(row, store.rows)) !== undefined;
      const status = isCopied ? ("copying" as const) : statusOf(row, instance);
      return { ...shownRow<typeof volume>(row), status };
    }),
  );
}

/**
 * An instance that is gone, or is to go, releases all volumes. An instance without the volume has released it
 * since the volume's row was read.
 */
function statusOf(
  { id, instanceId }: Pick<VolumeRow, "id" | "instanceId">,
  instance: Pick<InstanceRecord, "volumes" | "desired"> | undefined,
): VolumeStatus {
  if (instanceId === null) return "available";
  const its = instance?.volumes?.find(({ volumeId }) => volumeId === id);
  if (its === undefined || instance?.desired === "deleted") return "detaching";
  // The guest has the volume, and will see the new size.
  if (its.change === undefined || its.change.kind === "extending") return "in-use";
  return its.change.kind === "leaving" ? "detaching" : "attaching";
}
