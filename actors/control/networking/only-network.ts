/**
 * The network that a create means by `auto`: the only one of its project, or the only shared one where the
 * project has none. It never chooses among several, since a guess would be another one tomorrow.
 */

import { wireLimits } from "../../../protocol/limits/wire.ts";
import { network, subnet } from "../../../protocol/network.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import { referringTo } from "../request/rows.ts";

type NetworkRow = Pick<RowOf<typeof network>, "id" | "name" | "project" | "shared" | "external">;

/** Most networks that a refusal names. */
const namedMax = 10;

/** Its id. @throws notFound, ambiguous */
export async function onlyNetwork(project: string, rows: RowReads): Promise<string> {
  const all = await rows.list(network, { project, limit: wireLimits.pageLengthMax });
  const chosen = onlyOf(all, project);
  const subnets = await referringTo(subnet, { networkId: [chosen.id] }, rows);
  if (subnets.length > 0) return chosen.id;
  const bare = `The network ${chosen.name} has no subnet, so that auto would give no address`;
  throw new StatusError("notFound", `${bare}: novact subnet create.`);
}

/** @param all those of the project, and those that others share @throws notFound, ambiguous */
function onlyOf(all: readonly NetworkRow[], project: string): NetworkRow {
  const own = all.filter((one) => one.project === project && !one.external);
  const candidates = own.length > 0 ? own : all.filter(({ shared, external }) => shared && !external);
  const [only, ...others] = candidates;
  if (only === undefined) {
    const none = "The project has no network, and none is shared with it, so auto has none to choose.";
    throw new StatusError("notFound", none);
  }
  if (others.length === 0) return only;
  const named = candidates.slice(0, namedMax).map(({ id, name }) => `${name} (${id})`);
  const more = candidates.length > namedMax ? ", and more" : "";
  const has = own.length > 0 ? `The project has ${own.length}` : `Other projects share ${candidates.length}`;
  throw new StatusError(
    "ambiguous",
    `${has} networks, and auto chooses only among one: ${named.join(", ")}${more}.`,
  );
}
