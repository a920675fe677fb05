/** What a port may send from, as with the driver `user`. Pure. */
import { isVersion6 } from "../../../../actors/node/guest-data/prefixes.ts";
import type { PortPicture } from "../../../../protocol/networking.ts";
import { linkLocalText } from "../places.ts";

/** Addresses and ranges, by MAC address. */
export function sourcesOf(port: PortPicture): ReadonlyMap<string, readonly string[]> {
  const own = port.mac.toLowerCase();
  const texts = new Map([[own, port.addresses.map(({ address }) => address)]]);
  for (const { cidr, mac } of port.addressPairs) {
    const key = mac?.toLowerCase() ?? own;
    texts.set(key, [...(texts.get(key) ?? []), cidr]);
  }
  return new Map([...texts].map(([mac, some]) => [mac, [...some, linkLocalText(mac)]]));
}

/** Others have a link-local address alone, and find no neighbours by it. */
export const speaks6 = ({ addresses, addressPairs }: PortPicture): boolean =>
  [...addresses.map(({ address }) => address), ...addressPairs.map(({ cidr }) => cidr)].some(isVersion6);
