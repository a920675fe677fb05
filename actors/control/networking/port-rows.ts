/** The rows of a port and of what goes with it. It decides nothing. */
import { address, groupMembership, plug, port } from "../../../protocol/port.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { RowChange } from "../../records/rows.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { rowMade } from "../request/row-changes.ts";
import type { ChosenAddress } from "./addresses.ts";

type Making = Pick<CatalogOptions, "clock" | "ids">;

export interface NewPort {
  readonly row: RowOf<typeof port>;
  /** Ids. */
  readonly groups: readonly string[];
  readonly chosen: readonly ChosenAddress[];
}

export function rowsOfPort({ row, groups, chosen }: NewPort, making: Making): readonly RowChange[] {
  const addresses = chosen.map(({ subnetId, address: name }) => {
    const own = { id: making.ids.next(), name, subnetId, portId: row.id };
    return rowMade(address, { ...own, createdAtMs: row.createdAtMs, version: 1 });
  });
  return [rowMade(port, row), ...addresses, ...groups.map((id) => membershipMade(row.id, id, making))];
}

/** Something else than an instance is plugged in. The plug of a port has its port's id. */
export function devicePlugged(
  portId: string,
  device: Exclude<RowOf<typeof plug>["device"], "instance">,
  deviceId: string,
  { clock }: Pick<Making, "clock">,
): RowChange {
  const own = { id: portId, name: portId, portId, device, deviceId, deleteWithInstance: false };
  return rowMade(plug, { ...own, createdAtMs: clock.nowMs(), version: 1 });
}

export function membershipMade(portId: string, groupId: string, { ids, clock }: Making): RowChange {
  const own = { id: ids.next(), name: groupId, groupId, portId };
  return rowMade(groupMembership, { ...own, createdAtMs: clock.nowMs(), version: 1 });
}
