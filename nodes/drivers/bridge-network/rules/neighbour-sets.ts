/**
 * Neighbour discovery of IPv6 (RFC 4861) in sets: what a port may tell its neighbours of itself, and to whom
 * a question goes. Who has an address is known from the picture: the question goes to that port alone, and
 * no other hears it. No port may be asked for an address that is a router's, or another port's own. Pure.
 */
import { addressOf, addressText } from "../../../../protocol/address.ts";
import type { HostNetworking, PortPicture } from "../../../../protocol/networking.ts";
import { addressDigits } from "../../../switch/filter/address-set.ts";
import { macDigits } from "../../../switch/frames/ethernet.ts";
import { bridgeName, tapName } from "../device-names.ts";
import { linkLocalText } from "../places.ts";
import { routerPortsOf } from "../router-ports.ts";
import type { Ledger } from "./ledger.ts";
import type { NftSet } from "./model.ts";
import { addressesOf } from "./ranges.ts";
import { keysOf, quoted, setOf } from "./sets.ts";
import { sourcesOf, speaks6 } from "./sources.ts";

/** Type and length, in units of eight bytes, of the option that says a MAC address. */
const options = { asker: "0101", teller: "0201" } as const;

export interface Teller {
  readonly tap: string;
  readonly mac: string;
  /** False: it tells its neighbours no MAC address. */
  readonly speaks6: boolean;
  /** Of IPv6. */
  readonly addresses: readonly string[];
}

/** Addresses, and with which MAC address each; the kernel compares bytes of the message. */
export function tellingSets(tellers: readonly Teller[]): readonly [string, NftSet][] {
  const told = tellers.flatMap(({ tap, mac, addresses, speaks6 }) =>
    addresses.map((address) => ({
      tap,
      target: `0x${addressDigits(address)}`,
      mac: macDigits(mac),
      speaks6,
    })),
  );
  const speaking = tellers.filter((one) => one.speaks6);
  const asked = speaking.map(({ tap, mac }) => `${tap} . 0x${options.asker}${macDigits(mac)}`);
  return [
    [
      "targets6",
      keysOf(
        "iifname . @th,64,128",
        told.map(({ tap, target }) => `${tap} . ${target}`),
      ),
    ],
    [
      "adverts6",
      keysOf(
        "iifname . @th,64,192",
        told
          .filter((one) => one.speaks6)
          .map(({ tap, target, mac }) => `${tap} . ${target}${options.teller}${mac}`),
      ),
    ],
    ["askers6", keysOf("iifname . @th,192,64", asked)],
  ];
}

/** A port that is plugged in on this host. */
interface Here {
  readonly port: PortPicture;
  readonly network: { readonly id: string };
}

/** A tap's network by the number of its zone, and who has which address there. */
export function askingSets(
  ports: readonly Here[],
  networking: HostNetworking | null,
  { zones }: Pick<Ledger, "zones">,
): readonly [string, NftSet][] {
  const known = ports.flatMap((one) => {
    const zone = zones[one.network.id];
    return zone === undefined || !speaks6(one.port) ? [] : [{ ...one, zone }];
  });
  const asked = new Map<string, string>();
  for (const [networkId, own] of Map.groupBy(known, ({ network }) => network.id)) {
    const taken = othersOf(networkId, networking);
    for (const { zone, address, mac } of own.flatMap(ownOf).concat(own.flatMap(pairedOf))) {
      const key = `${zone} . 0x${addressDigits(address)}`;
      if (!taken.has(address) && !asked.has(key)) asked.set(key, mac);
    }
  }
  const segments = known.map(({ port, zone }) => [quoted(tapName(port.id)), `${zone}`] as const);
  return [
    ["segments", setOf("map", "iifname : meta mark", segments)],
    ["askable6", setOf("map", "meta mark . @th,64,128 : ether daddr", [...asked])],
  ];
}

type Known = Here & { readonly zone: number };

function ownOf({ port, zone }: Known) {
  const mac = port.mac.toLowerCase();
  const given = port.addresses.flatMap(({ address: text }) => {
    const address = addressOf(text);
    return address?.version === 6 ? [addressText(address)] : [];
  });
  return [...given, linkLocalText(mac)].map((address) => ({ zone, mac, address }));
}

/** Of those of the link alone, a pair has the one that is made of its MAC address, and nobody else's. */
const pairedOf = ({ port, zone }: Known) =>
  [...sourcesOf(port)].flatMap(([mac, texts]) =>
    addressesOf(6, texts)
      .single.filter((text) => text === linkLocalText(mac) || !/^fe[89ab]/.test(addressDigits(text) ?? ""))
      .map((address) => ({ zone, mac, address })),
  );

/** Addresses of routers, and of ports on other hosts: the bridge answers for them. */
function othersOf(networkId: string, networking: HostNetworking | null): ReadonlySet<string> {
  const bridge = bridgeName(networkId);
  const routers = routerPortsOf(networking).filter((one) => one.bridge === bridge);
  const far = (networking?.far ?? []).filter((one) => one.networkId === networkId);
  const texts = [
    ...routers.map(({ address }) => address),
    ...far.flatMap(({ ports }) => ports.flatMap(({ addresses }) => addresses)),
  ];
  return new Set(
    texts.flatMap((text) => {
      const address = addressOf(text);
      return address === undefined ? [] : [addressText(address)];
    }),
  );
}
