/** The ways between two instances: pairs of ports on one network, with addresses of one IP version. Pure. */
import type { InterfaceRecord } from "../../records/instance.ts";
import type { End, Way, WayEnd } from "./facts.ts";

export function waysOf(from: End, to: End): readonly Way[] {
  return (from.interfaces ?? []).flatMap((one) =>
    (to.interfaces ?? [])
      .filter(({ networkId }) => networkId === one.networkId)
      .flatMap((other) => waysBetween(one, other)),
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
