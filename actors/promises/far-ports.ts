/** What a host was to know of the ports of other hosts, from rows alone. Pure. */
import type { FarPicture } from "../../protocol/networking.ts";
import type { Port } from "../../protocol/port.ts";

export interface FarRows {
  readonly networkIds: ReadonlySet<string>;
  readonly ports: readonly Pick<Port, "id" | "networkId" | "mac" | "addressPairs">[];
  readonly addresses: readonly { readonly portId: string; readonly name: string }[];
  /** Ids of instances by the port that they are plugged into. */
  readonly instanceOf: ReadonlyMap<string, string>;
  /** Underlays of the hosts that have the present claims of instances. */
  readonly underlayOf: ReadonlyMap<string, string>;
}

/** `own`: the host's underlay; undefined: it has none, and knows of nobody. */
export function farPorts(rows: FarRows, own: string | undefined): readonly FarPicture[] {
  if (own === undefined) return [];
  const places = rows.ports.flatMap((port) => {
    const host = rows.underlayOf.get(rows.instanceOf.get(port.id) ?? "");
    return host === undefined || host === own || !rows.networkIds.has(port.networkId) ? [] : { port, host };
  });
  const parts = Map.groupBy(places, ({ port, host }) => `${port.networkId} ${host}`);
  return [...parts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, [first, ...others]]) => {
      if (first === undefined) return [];
      const ports = [first, ...others].map(({ port }) => saidOf(port, rows.addresses));
      const { host, port } = first;
      return { networkId: port.networkId, host, ports: ports.sort((a, b) => (a.id < b.id ? -1 : 1)) };
    });
}

function saidOf(
  { id, mac, addressPairs }: FarRows["ports"][number],
  addresses: FarRows["addresses"],
): FarPicture["ports"][number] {
  const own = addresses.filter(({ portId }) => portId === id).map(({ name }) => name);
  return { id, mac, addresses: own.sort(), addressPairs };
}
