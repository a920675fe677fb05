/** Subnets and their networks, in memory as the triggers of this folder have them. */
import { cidrOf, overlap } from "../../../protocol/address.ts";
import { network, subnet } from "../../../protocol/network.ts";
import type { Resource, ResourceRow } from "../../../protocol/wire/resource.ts";
import type { Tables, Work } from "../../rows/tables.ts";
import { fieldOf } from "../reference/memory.ts";

/** Whether the row is a subnet whose range another one of its network has. */
export function overlapsAnother(tables: Tables, resource: Resource, row: ResourceRow): boolean {
  if (resource.table !== subnet.table) return false;
  const [networkId, range] = [fieldOf(row, "networkId"), cidrOf(String(fieldOf(row, "cidr")))];
  return [...tables.rowsOf(subnet).values()].some((other) => {
    const its = cidrOf(other.cidr);
    const both = range !== undefined && its !== undefined;
    return other.id !== row.id && other.networkId === networkId && both && overlap(range, its);
  });
}

/** After rows were written: subnets are shared as their networks are. */
export function shareSubnets({ tables, journal }: Work, touched: readonly Resource[]): void {
  if (!touched.some(({ table }) => table === subnet.table || table === network.table)) return;
  for (const row of [...tables.rowsOf(subnet).values()]) {
    const its = tables.rowsOf(network).get(row.networkId);
    const shared = its !== undefined && (its.shared || its.external);
    if (row.shared !== shared) tables.rowsOf(subnet).put(row.id, { ...row, shared }, journal);
  }
}
