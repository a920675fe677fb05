/**
 * What a create or an attach writes of its interfaces: rows of ports and plugs, what the instance keeps of
 * them, and events, for addresses that were chosen before. It reads nothing and decides nothing.
 */
import { plug, port } from "../../../protocol/port.ts";
import { type AskedPublication, publishedPort } from "../../../protocol/published-port.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { NewEvent } from "../../records/commit.ts";
import type { InterfaceRecord } from "../../records/instance.ts";
import type { RowChange } from "../../records/rows.ts";
import type { ChosenAddress } from "../networking/addresses.ts";
import { rowsOfPort } from "../networking/port-rows.ts";
import { publicationMade } from "../networking/publications.ts";
import { macAddressOf } from "../request/mac-address.ts";
import { aboutRow, rowMade } from "../request/row-changes.ts";
import { carriedBy, type InterfaceWorld, keptPackets, type PlannedInterface } from "./interfaces.ts";

/** The interfaces of one instance, and the rows and events of its commit for them. */
export interface Wired {
  readonly interfaces: readonly InterfaceRecord[];
  readonly ports: readonly RowChange[];
  /** Written after all ports, to which the rows refer. */
  readonly plugs: readonly RowChange[];
  readonly events: readonly NewEvent[];
}

interface Wiring {
  readonly planned: readonly PlannedInterface[];
  readonly chosen: readonly (readonly ChosenAddress[])[];
  readonly instanceId: string;
  readonly project: string;
  readonly requestId: string;
}

export function wire({ planned, chosen, ...about }: Wiring, world: InterfaceWorld): Wired {
  const all = planned.map((one, at) =>
    one.kind === "there" ? plugIn(one, about, world) : makePort(one, chosen[at] ?? [], about, world),
  );
  return {
    interfaces: all.flatMap(({ interfaces }) => interfaces),
    ports: all.flatMap(({ ports }) => ports),
    plugs: all.flatMap(({ plugs }) => plugs),
    events: all.flatMap(({ events }) => events),
  };
}

type About = Omit<Wiring, "planned" | "chosen">;

function plugIn(
  planned: Extract<PlannedInterface, { kind: "there" }>,
  { instanceId, requestId }: About,
  world: InterfaceWorld,
): Wired {
  const { id, networkId, mac, project: owner } = planned.port;
  const { addresses, published = [] } = planned;
  const deleteWithInstance = false;
  const leading = publish(published, { portId: id, project: owner, requestId }, world);
  return {
    interfaces: [
      { portId: id, networkId, mac, addresses: [...addresses], ...keptPackets(planned), deleteWithInstance },
    ],
    ports: [],
    plugs: [plugMade({ portId: id, deviceId: instanceId, deleteWithInstance }, world), ...leading.rows],
    events: leading.events,
  };
}

function makePort(
  { on, groups, published = [] }: Extract<PlannedInterface, { kind: "new" }>,
  chosen: readonly ChosenAddress[],
  { instanceId, project, requestId }: About,
  world: InterfaceWorld,
): Wired {
  const [id, createdAtMs] = [world.ids.next(), world.clock.nowMs()];
  const [mac, networkId] = [macAddressOf(id), on.id];
  const settings = { portSecurity: true, addressPairs: [], bandwidth: null };
  const row = { id, project, name: mac, networkId, mac, ...settings, createdAtMs, version: 1 };
  const deleteWithInstance = true;
  const body = { networkId, addresses: [...chosen], device: "instance", deviceId: instanceId };
  const leading = publish(published, { portId: id, project, requestId }, world);
  return {
    interfaces: [
      { portId: id, networkId, mac, addresses: [...chosen], ...carriedBy(on), deleteWithInstance },
    ],
    ports: rowsOfPort({ row, groups, chosen }, world),
    plugs: [plugMade({ portId: id, deviceId: instanceId, deleteWithInstance }, world), ...leading.rows],
    events: [
      { ...aboutRow(port, row, { event: "created", body }), atMs: createdAtMs, requestId },
      ...leading.events,
    ],
  };
}

/** Rows and events of published ports, which refer to the plug. */
function publish(
  asked: readonly AskedPublication[],
  { requestId, ...of }: { readonly portId: string; readonly project: string; readonly requestId: string },
  world: InterfaceWorld,
): { readonly rows: readonly RowChange[]; readonly events: readonly NewEvent[] } {
  const made = asked.map((one) => publicationMade(one, of, world));
  const eventOf = (row: RowOf<typeof publishedPort>): NewEvent => {
    const about = aboutRow(publishedPort, row, { event: "created", body: { port: row.port } });
    return { ...about, atMs: row.createdAtMs, requestId };
  };
  return { rows: made.map(({ change }) => change), events: made.map(({ row }) => eventOf(row)) };
}

/** The plug of a port has its port's id: whoever lets go of the port needs to read nothing. */
function plugMade(
  fields: Pick<RowOf<typeof plug>, "portId" | "deviceId" | "deleteWithInstance">,
  { clock }: InterfaceWorld,
): RowChange {
  const { portId } = fields;
  const own = { id: portId, name: portId, device: "instance" as const, ...fields };
  return rowMade(plug, { ...own, createdAtMs: clock.nowMs(), version: 1 });
}
