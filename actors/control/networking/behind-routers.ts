/**
 * Which guests of a host are behind which router: those with an address in a subnet to which the router has
 * an interface. What the host's driver can do about it is judged elsewhere. Pure.
 */
import type { NetworkingRows } from "../../ports/networking-reads.ts";

export interface BehindRouter {
  readonly instanceIds: readonly string[];
  /** The operator's network to which it leads; null: nowhere outside. */
  readonly physicalNetwork: string | null;
  /** Number of floating addresses that lead to these guests. */
  readonly floating: number;
}

/** In the order of the routers' ids. Routers with none of the host's guests behind them are left out. */
export function behindRouters(rows: NetworkingRows): readonly BehindRouter[] {
  const instanceOf = new Map(rows.ports.map(({ id, instanceId }) => [id, instanceId]));
  return [...rows.routers]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, outside }) => {
      const gates = rows.routerInterfaces.filter(({ routerId }) => routerId === id);
      const subnetIds = new Set(gates.map(({ subnetId }) => subnetId));
      const instanceIds = rows.addresses.flatMap(({ portId, subnetId }) =>
        subnetIds.has(subnetId) ? (instanceOf.get(portId) ?? []) : [],
      );
      return {
        instanceIds: [...new Set(instanceIds)].sort(),
        physicalNetwork: outside?.physicalNetwork ?? null,
        floating: rows.floating.filter(({ routerId }) => routerId === id).length,
      };
    })
    .filter(({ instanceIds }) => instanceIds.length > 0);
}
