/**
 * Interfaces of routers: in which subnet, by which port, and their rows. A router has the address of a
 * subnet's gateway, or that of a port that is there.
 */
import { network, subnet } from "../../../protocol/network.ts";
import { address, plug, port } from "../../../protocol/port.ts";
import { type Router, type router, routerInterface } from "../../../protocol/router.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import type { RowChange } from "../../records/rows.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { macAddressOf } from "../request/mac-address.ts";
import { rowMade } from "../request/row-changes.ts";
import { findOwnRow, referringTo } from "../request/rows.ts";
import { devicePlugged, rowsOfPort } from "./port-rows.ts";

type Making = Pick<CatalogOptions, "clock" | "ids">;

export interface Gate {
  readonly on: RowOf<typeof subnet>;
  readonly address: string;
  /** Absent: it is made. */
  readonly port?: RowOf<typeof port>;
}

interface Asked {
  readonly subnet?: string;
  readonly port?: string;
}

/** @throws notFound, ambiguous, adminOnly, notRoutable, inUse, schemaMismatch */
export async function gateOf(
  { subnet: subnetKey, port: portKey }: Asked,
  { context, project }: { readonly context: CallContext; readonly project: string },
  { store: { rows } }: Pick<CatalogOptions, "store">,
): Promise<Gate> {
  if ((subnetKey === undefined) === (portKey === undefined))
    throw faulty("subnet", "or else the port has to be named, and not both");
  const gate =
    subnetKey === undefined
      ? await byPort(await findOwnRow(port, { ...context, id: portKey ?? "" }, rows), rows)
      : asGateway(await findOwnRow(subnet, { ...context, id: subnetKey }, rows));
  const [on] = await rows.called(network, gate.on.networkId);
  if (gate.on.project !== project)
    throw new StatusError("notRoutable", `The subnet ${gate.on.name} is another project's than the router.`);
  if (on?.external || on?.physicalNetwork != null)
    throw new StatusError("notRoutable", `Who leads from the network ${on.name} is its operator's choice.`);
  return gate;
}

function asGateway(on: RowOf<typeof subnet>): Gate {
  if (on.gateway === null) throw new StatusError("notRoutable", `The subnet ${on.name} has no gateway.`);
  return { on, address: on.gateway };
}

async function byPort(found: RowOf<typeof port>, rows: RowReads): Promise<Gate> {
  const refers = { portId: [found.id] };
  const [[plugged], [only, another]] = await Promise.all([
    referringTo(plug, refers, rows),
    referringTo(address, refers, rows),
  ]);
  if (plugged !== undefined)
    throw new StatusError(
      "inUse",
      `The port ${found.name} belongs to the ${plugged.device} ${plugged.deviceId}.`,
    );
  const [on] = only === undefined ? [] : await rows.called(subnet, only.subnetId);
  if (only === undefined || another !== undefined || on === undefined)
    throw new StatusError("notRoutable", `The port ${found.name} has not exactly one address.`);
  return { on, address: only.name, port: found };
}

/** The rows of a new interface, and how it is shown. */
export function rowsOfGate(
  { on, address: its, port: there }: Gate,
  { id: routerId, project }: RowOf<typeof router>,
  making: Making,
): { readonly rows: readonly RowChange[]; readonly shown: Router["interfaces"][number] } {
  const createdAtMs = making.clock.nowMs();
  const made = there ?? portFor({ on, project, createdAtMs }, making);
  const { id: portId, mac } = made;
  const chosen = [{ subnetId: on.id, address: its }];
  const of = { routerId, networkId: on.networkId, subnetId: on.id, portId };
  const own = { id: portId, name: portId, ...of, deletesPort: there === undefined, createdAtMs, version: 1 };
  return {
    rows: [
      ...(there === undefined ? rowsOfPort({ row: made, groups: [], chosen }, making) : []),
      devicePlugged(portId, "router", routerId, making),
      rowMade(routerInterface, own),
    ],
    shown: { portId, networkId: on.networkId, subnetId: on.id, mac, address: its },
  };
}

/** What a router sends is what was let go elsewhere: no group has a say in it. */
function portFor(
  { on, project, createdAtMs }: { on: RowOf<typeof subnet>; project: string; createdAtMs: number },
  { ids }: Making,
): RowOf<typeof port> {
  const id = ids.next();
  const mac = macAddressOf(id);
  const settings = { portSecurity: false, addressPairs: [], bandwidth: null };
  return { id, project, name: mac, networkId: on.networkId, mac, ...settings, createdAtMs, version: 1 };
}
