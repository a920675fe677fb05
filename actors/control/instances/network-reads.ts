/** Reads a network that a create names, and its subnets with it, in one read. */
import { network, type Subnet, subnet } from "../../../protocol/network.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { JoinedReads } from "../../ports/row-reads.ts";
import { findRow } from "../request/rows.ts";

export interface ReadNetwork {
  readonly on: RowOf<typeof network>;
  readonly subnets: readonly Subnet[];
}

/** @throws notFound, ambiguous */
export async function readNetwork(
  caller: { readonly project: string; readonly id: string },
  rows: JoinedReads,
): Promise<ReadNetwork> {
  const subnets = new Map<string, readonly Subnet[]>();
  const on = await findRow(network, caller, {
    called: async (resource, key, owner) => {
      const found = await rows.calledWith(resource, key, { owner, part: subnet, by: "networkId" });
      for (const { row, parts } of found) subnets.set(row.id, parts);
      return found.map(({ row }) => row);
    },
  });
  return { on, subnets: subnets.get(on.id) ?? [] };
}
