/** Finds the external network that a project names; others are refused. */
import { network } from "../../../protocol/network.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import { findRow } from "../request/rows.ts";

/** @throws notFound, ambiguous, notExternal */
export async function externalNetwork(
  key: string,
  { project }: Pick<CallContext, "project">,
  rows: RowReads,
): Promise<RowOf<typeof network>> {
  const found = await findRow(network, { project, id: key }, rows);
  if (!found.external)
    throw new StatusError("notExternal", `The network ${found.name} does not lead outside.`);
  return found;
}
