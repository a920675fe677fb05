/**
 * The ways between two instances: pairs of ports on one network, or on two that one router joins, with
 * addresses of one IP version. Pure.
 */
import type { InterfaceRecord } from "../../records/instance.ts";
import type { End, Way, WayEnd } from "./facts.ts";

export function waysOf(from: End, to: End): readonly Way[] {
  const near = (from.interfaces ?? []).flatMap((one) =>
    (to.interfaces ?? [])
      .filter(({ networkId }) => networkId === one.networkId)
      .flatMap((other) => waysBetween(one, other)),
  );
  return near.length > 0 ? near : routedWays(from, to);
}

/** By one router with an interface in the subnets of both ends. */
function routedWays(from: End, to: End): readonly Way[] {
  const gates = from.rows?.routerInterfaces ?? [];
  return (from.interfaces ?? []).flatMap((one) =>
    (to.interfaces ?? []).flatMap((other) =>
      one.addresses.flatMap((source) =>
        other.addresses.flatMap((destination): readonly Way[] => {
          const own = gates.find(({ subnetId }) => subnetId === source.subnetId);
          const its = gates.find(
            ({ subnetId, routerId }) => subnetId === destination.subnetId && routerId === own?.routerId,
          );
          if (own === undefined || its === undefined) return [];
          const via = { routerId: own.routerId, from: own.address, to: its.address };
          return [
            {
              ...{ networkId: one.networkId, via: { ...via, networkId: other.networkId } },
              from: { portId: one.portId, address: source },
              to: { portId: other.portId, address: destination },
            },
          ];
        }),
      ),
    ),
  );
}

type Addressed = InterfaceRecord["addresses"];

/** A way for each IP version of both ports; without a common version, a way whose addresses do not fit. */
function waysBetween(one: InterfaceRecord, other: InterfaceRecord): readonly Way[] {
  const way = (from: WayEnd["address"], to: WayEnd["address"]): Way => ({
    networkId: one.networkId,
    from: { portId: one.portId, address: from },
    to: { portId: other.portId, address: to },
  });
  const found = [false, true].flatMap((six) => {
    const [from, to] = pairOf(ofVersion(one.addresses, six), ofVersion(other.addresses, six));
    return from === undefined || to === undefined ? [] : [way(from, to)];
  });
  return found.length > 0 ? found : [way(one.addresses[0], other.addresses[0])];
}

const ofVersion = (addresses: Addressed, six: boolean): Addressed =>
  addresses.filter(({ address }) => address.includes(":") === six);

/** Addresses of one subnet first: these need no router. */
function pairOf(some: Addressed, others: Addressed): readonly [WayEnd["address"], WayEnd["address"]] {
  for (const one of some) {
    const near = others.find(({ subnetId }) => subnetId === one.subnetId);
    if (near !== undefined) return [one, near];
  }
  return [some[0], others[0]];
}
