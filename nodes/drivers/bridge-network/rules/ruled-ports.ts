/**
 * The ports of the picture that were plugged in as the picture says: they alone have rules, and are answered.
 * One that the picture does not have, or has otherwise, is none. Pure.
 */
import type { HostNetworking, NetworkPicture, PortPicture } from "../../../../protocol/networking.ts";
import { macDigits } from "../../../switch/frames/ethernet.ts";
import { carriedNetworks } from "../carried-networks.ts";
import { clashing } from "../device-names.ts";

/** A port that was plugged in on this host. */
export interface RulePort {
  readonly portId: string;
  readonly networkId: string;
  readonly instanceId: string;
  readonly mac: string;
  /** What DHCP tells the guest. */
  readonly hostName: string;
}

/** `networking` null: there was no picture yet, and nothing passes. */
export interface Wanted {
  readonly networking: HostNetworking | null;
  readonly ports: readonly RulePort[];
}

/** A port of the picture that was plugged in as the picture says. */
export interface RuledPort {
  readonly plug: RulePort;
  readonly port: PortPicture;
  readonly network: NetworkPicture;
}

/** Ports and networks of which a device's name could be another's have none. */
export function ruledPorts({ networking, ports }: Wanted): readonly RuledPort[] {
  const networks = carriedNetworks(networking);
  const late = clashing(networks.flatMap((network) => network.ports.map(({ id }) => id)));
  const plugs = new Map(ports.map((plug) => [plug.portId, plug]));
  return networks.flatMap((network) =>
    network.ports.flatMap((port) => {
      const plug = late.has(port.id) ? undefined : plugs.get(port.id);
      return plug !== undefined && isOfPort(plug, network, port) ? [{ plug, port, network }] : [];
    }),
  );
}

/** Else one of the two is of another life of the port. */
const isOfPort = (plug: RulePort, network: NetworkPicture, port: PortPicture): boolean =>
  plug.networkId === network.id &&
  plug.instanceId === port.instanceId &&
  macDigits(plug.mac) === macDigits(port.mac);
