/** The names of the hosts of windows. A host that is no more is called by its id. */
import { type CallContext, type ExtensionTools, StatusError } from "novact/plugin";
import type { MaintenanceWindow } from "./window.ts";

/** Reads each host once for all rows. */
export const named =
  (hosts: ExtensionTools["hosts"]) => async (rows: readonly MaintenanceWindow[], context: CallContext) => {
    const names = new Map<string, string>();
    for (const id of new Set(rows.flatMap(({ hostIds }) => hostIds)))
      names.set(id, await nameOf(hosts, id, context));
    return rows.map(({ version: _, ...shown }) => ({
      ...shown,
      hostNames: shown.hostIds.map((id) => names.get(id) ?? id),
    }));
  };

async function nameOf(hosts: ExtensionTools["hosts"], id: string, context: CallContext): Promise<string> {
  try {
    return (await hosts.get(context, id)).name;
  } catch (thrown) {
    if (thrown instanceof StatusError && thrown.reason === "hostNotFound") return id;
    throw thrown;
  }
}
