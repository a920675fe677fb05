/**
 * What the macvtaps of a host are to be, as a function of the picture that was applied; compared with what
 * they are. Nothing passes a port that the picture does not have on this device, and nothing passes one that
 * is to be filtered: nobody here filters. Pure.
 */
import type { HostNetworking } from "novact/plugin";
import type { Change, SeenMacvtap } from "./kernel.ts";
import { type Owner, ownerIn, prefixOf } from "./names.ts";
import { deviceOf, type MacvtapOptions } from "./options.ts";

export interface PicturedPort {
  readonly portId: string;
  readonly device: string;
  readonly mac: string;
  readonly mtuBytes: number;
  /** It has `portSecurity`. */
  readonly isFiltered: boolean;
}

/** The part of a picture that matters here. */
export interface Applied {
  readonly version: number;
  readonly ports: readonly PicturedPort[];
}

export const appliedOf = ({ version, networks }: HostNetworking, options: MacvtapOptions): Applied => ({
  version,
  ports: networks.flatMap(({ physicalNetwork, mtuBytes, ports }) => {
    const device = physicalNetwork === undefined ? undefined : deviceOf(options, physicalNetwork);
    if (device === undefined) return [];
    return ports.map(({ id: portId, mac, portSecurity: isFiltered }) => ({
      ...{ portId, device, mac: mac.toLowerCase(), mtuBytes, isFiltered },
    }));
  }),
});

export interface OwnMacvtap extends SeenMacvtap {
  readonly owner: Owner;
}

/** A host's own, and those that it has begun to make: somebody has died between two steps. */
export function ownAmong(seen: readonly SeenMacvtap[], hostId: string) {
  const named = seen.filter(({ name }) => name.startsWith(prefixOf(hostId)));
  const own = named.flatMap((one): OwnMacvtap[] => {
    const owner = ownerIn(one.alias);
    return owner?.hostId === hostId ? [{ ...one, owner }] : [];
  });
  return { own, begun: named.filter(({ alias }) => alias === null) };
}

/** Empty: they are as they are to be. */
export const changesOf = (own: readonly OwnMacvtap[], { ports }: Applied): readonly Change[] => {
  const pictured = new Map(ports.map((port) => [port.portId, port]));
  return own.flatMap(({ owner: { portId }, name, device, ...is }): Change[] => {
    const port = pictured.get(portId);
    const isUp = port?.device === device && !port.isFiltered;
    const isRight = is.isUp === isUp && is.isSilent && is.takesGroups;
    const differs = port !== undefined && (port.mac !== is.mac || port.mtuBytes !== is.mtuBytes);
    if (isRight && !differs) return [];
    return [{ name, isUp, ...(differs ? { mac: port.mac, mtuBytes: port.mtuBytes } : {}) }];
  });
};
