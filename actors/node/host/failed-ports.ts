/** Which ports of a host the failed parts of its picture concern, and how. Pure. */
import type { HostNetworking, NetworkFailure } from "../../../protocol/networking.ts";

export type FailedPort = NetworkFailure & { readonly portId: string };

/** The worst first: the first three let nothing pass the port, and all others keep it from somebody. */
const kinds: readonly NetworkFailure["of"][] = [
  ...(["device", "port", "network", "tunnel", "router", "outside", "responder"] as const),
];

/** Of several failures that concern a port, the worst. */
export function failedPorts(
  { networks, routers = [] }: Pick<HostNetworking, "networks" | "routers">,
  failures: readonly NetworkFailure[],
): readonly FailedPort[] {
  if (failures.length === 0) return [];
  const known = new Map(failures.map((one) => [`${one.of} ${one.id}`, one]));
  return networks.flatMap(({ id: networkId, ports }) => {
    const near = routers.filter(({ interfaces }) => interfaces.some((one) => one.networkId === networkId));
    const around = {
      ...{
        network: [networkId],
        tunnel: [networkId],
        responder: [networkId],
        router: near.map(({ id }) => id),
      },
      outside: near.flatMap(({ outside }) => outside?.physicalNetwork ?? []),
    };
    return ports.flatMap(({ id: portId }) => {
      const ids = { ...around, port: [portId], device: [portId] };
      const found = kinds.flatMap((of) => ids[of].flatMap((id) => known.get(`${of} ${id}`) ?? []));
      return found.slice(0, 1).map((one) => ({ portId, ...one }));
    });
  });
}

/** The devices that guests had open and have lost. `adrift`: ports whose device is not where it should be. */
export function lostDevices(
  adrift: readonly { readonly portId: string; readonly instanceId: string }[],
  runs: (instanceId: string) => boolean,
): readonly NetworkFailure[] {
  return adrift.flatMap(({ portId: id, instanceId }) =>
    runs(instanceId) ? [{ of: "device" as const, id, why: goneOf(instanceId) }] : [],
  );
}

const goneOf = (instanceId: string): string =>
  `The instance ${instanceId} runs, and what it was plugged into is gone from its host.`;
