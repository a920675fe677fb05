/** Why a volume cannot be had, in words: an instance has it, or it is being copied. It decides nothing. */
import { volume } from "../../../protocol/volume.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { RowReads } from "../../ports/row-reads.ts";

type VolumeRow = RowOf<typeof volume>;
type Rows = Pick<RowReads, "called">;

/** The other volume of a copy that is under way; undefined: it has no part in one. */
export async function otherOfCopy(
  { instanceId }: Pick<VolumeRow, "instanceId">,
  rows: Rows,
): Promise<VolumeRow | undefined> {
  if (instanceId === null) return undefined;
  return (await rows.called(volume, instanceId)).find(({ id }) => id === instanceId);
}

/** @throws inUse */
export async function assertHeldByNobody(row: VolumeRow, rows: Rows, toBe = "used"): Promise<void> {
  if (row.instanceId === null) return;
  const other = await otherOfCopy(row, rows);
  const message =
    other === undefined
      ? `The volume ${row.name} is attached to the instance ${row.instanceId}: detach it before it is ${toBe}.`
      : `The volume ${row.name} is being copied: it can be ${toBe} when novact volume show says available.`;
  throw new StatusError("inUse", message);
}
