/**
 * The ports that IPv6 tells their addresses and their network, by the responder: in sets of the rules, and as
 * the responder is told of them. Which port a frame comes from is written into it by the kernel. Pure.
 */
import type { NetworkPicture, PortPicture, SubnetPicture } from "../../../../protocol/networking.ts";
import { type Lease6, leaseOf6 } from "../../../dhcp6/lease.ts";
import { askerMac, hatchMac } from "../../../responder/hatch.ts";
import type { AnsweredGuest6 } from "../../../responder/state.ts";
import { addressDigits } from "../../../switch/filter/address-set.ts";
import { macDigits } from "../../../switch/frames/ethernet.ts";
import { bridgeMac, bridgeName, tapName } from "../device-names.ts";
import type { ServiceRoute } from "../filter.ts";
import { gatewayLinkLocal, gatewayOf } from "../gateways6.ts";
import { routerPortsOf } from "../router-ports.ts";
import { kept } from "./kept.ts";
import { hatchAddress, type Ledger } from "./ledger.ts";
import type { NftSet } from "./model.ts";
import { type RuledPort, ruledPorts, type Wanted } from "./ruled-ports.ts";
import { keysOf, quoted, setOf } from "./sets.ts";

interface ToldPort extends RuledPort {
  readonly lease: Lease6;
  readonly subnet: SubnetPicture;
  readonly asker: string;
  /** Number of the hatch. */
  readonly zone: number;
}

export const toldPorts6 = (ports: readonly RuledPort[], { services, zones }: Ledger): readonly ToldPort[] =>
  ports.flatMap((ruled) => {
    const { port, network } = ruled;
    const [number, zone, leased] = [
      services[port.id],
      zones[network.id],
      leasedBy(port, network.subnets, network.mtuBytes),
    ];
    if (number === undefined || zone === undefined || leased === undefined) return [];
    return [{ ...ruled, ...leased, zone, asker: askerMac(number) }];
  });

/** As `leaseOf6` has it: the first address that DHCPv6 tells, and its subnet. */
const leasedBy = kept(
  (port: PortPicture, subnets: NetworkPicture["subnets"], mtuBytes: NetworkPicture["mtuBytes"]) => {
    for (const { subnetId } of port.addresses) {
      const subnet = subnets.find(({ id }) => id === subnetId);
      const lease = subnet && leaseOf6({ subnets: [subnet], mtuBytes }, port);
      if (subnet !== undefined && lease !== undefined) return { lease, subnet };
    }
    return undefined;
  },
);

export function hatchSets(
  told: readonly ToldPort[],
  hatches: readonly string[],
): readonly [string, NftSet][] {
  const taps = told.map(({ port, asker }) => [quoted(tapName(port.id)), asker] as const);
  return [
    ["hatches", keysOf("iifname", hatches)],
    ["askers", setOf("map", "iifname : ether saddr", taps)],
    [
      "asking",
      keysOf(
        "iifname",
        taps.map(([tap]) => tap),
      ),
    ],
  ];
}

/** As the responder is told of them. */
export function toldGuests6(wanted: Wanted, ledger: Ledger): readonly AnsweredGuest6[] {
  const routers = routerPortsOf(wanted.networking);
  return toldPorts6(ruledPorts(wanted), ledger).map(({ port, network, subnet, lease, asker, zone }) => {
    const router = gatewayOf(subnet, routers);
    const mac = router?.mac ?? bridgeMac(network.id);
    return {
      ...{ asker: macDigits(asker), hatch: zone, mac: macDigits(port.mac), isRouted: router !== undefined },
      lease: { ...lease, dnsServers: [...lease.dnsServers] },
      sender: { mac: macDigits(mac), address: addressDigits(gatewayLinkLocal(subnet)) ?? "" },
    };
  });
}

/** To where the hatches send guests' frames. */
export const hatchRoutes = (wanted: Wanted, ledger: Ledger): readonly ServiceRoute[] => [
  ...new Map(
    toldPorts6(ruledPorts(wanted), ledger).map(({ network, zone }) => [
      zone,
      { bridge: bridgeName(network.id), address: hatchAddress(zone), mac: hatchMac, hatch: zone },
    ]),
  ).values(),
];
