/** Ports as clients see them: a port's row, joined with its addresses, groups, plug and status. */
import { address, groupMembership, type Port, plug, type port } from "../../../../protocol/port.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { CallContext } from "../../../../protocol/wire/service.ts";
import type { RowReads } from "../../../ports/row-reads.ts";
import { referringTo, shownRow } from "../../request/rows.ts";

type PortRow = RowOf<typeof port>;

export interface ShowingOptions {
  readonly store: { readonly rows: RowReads };
  /** By the id of the port: its status as it is now. */
  readonly portStates: (
    ports: readonly Port[],
    context: Pick<CallContext, "project" | "signal">,
  ) => Promise<ReadonlyMap<string, Pick<Port, "status" | "statusReason">>>;
}

/** Ports with their status, for lists and `get`. */
export async function withStatus(
  rows: readonly PortRow[],
  context: CallContext,
  options: ShowingOptions,
): Promise<readonly Port[]> {
  const ports = await withAddresses(rows, options);
  const states = await options.portStates(ports, context);
  return ports.map((one) => ({ ...one, ...states.get(one.id) }));
}

/** Ports without their status: the answer of a change may be given again later. */
export async function withAddresses(
  ports: readonly PortRow[],
  { store }: Pick<ShowingOptions, "store">,
): Promise<readonly Port[]> {
  const refers = { portId: ports.map(({ id }) => id) };
  const [addresses, memberships, plugs] = await Promise.all([
    referringTo(address, refers, store.rows),
    referringTo(groupMembership, refers, store.rows),
    referringTo(plug, refers, store.rows),
  ]);
  const of = <R extends { readonly portId: string }>(rows: readonly R[]) =>
    Map.groupBy(rows, ({ portId }) => portId);
  const [addressesOf, membershipsOf, plugsOf] = [of(addresses), of(memberships), of(plugs)];
  return ports.map((one) => {
    const [plugged] = plugsOf.get(one.id) ?? [];
    const groups = (membershipsOf.get(one.id) ?? []).map(({ groupId }) => groupId).sort();
    const its = (addressesOf.get(one.id) ?? []).map(({ subnetId, name }) => ({ subnetId, address: name }));
    return { ...shownRow<typeof port>(one), ...deviceOf(plugged), addresses: its, securityGroupIds: groups };
  });
}

export const deviceOf = (plugged: RowOf<typeof plug> | undefined) => ({
  device: plugged?.device ?? null,
  deviceId: plugged?.deviceId ?? null,
  deleteWithInstance: plugged?.deleteWithInstance ?? false,
});
