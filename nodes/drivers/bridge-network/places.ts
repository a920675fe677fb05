/**
 * Who is behind which device of a bridge, and which address is at whom. Pairs of addresses say that a port
 * may send from others' addresses, not that the port has them: no pair takes what is another port's own.
 * Pure.
 */
import { addressOf, addressText, cidrOf, overlap } from "../../../protocol/address.ts";
import type { PortPicture } from "../../../protocol/networking.ts";
import { macDigits } from "../../switch/frames/ethernet.ts";
import { linkLocalOf } from "../../switch/frames/neighbour.ts";

/** Frames for a MAC address go to a device of the bridge. */
export interface PlannedPlace {
  readonly bridge: string;
  readonly mac: string;
  readonly device: string;
  /** Where the other host is, when the device is a tunnel. */
  readonly host: string | null;
}

/** The bridge answers who asks for the address. */
export interface PlannedNeighbour {
  readonly bridge: string;
  readonly address: string;
  readonly mac: string;
  /** True: it leads on. A guest that hears otherwise forgets its route. Absent: it does not. */
  readonly isRouter?: true;
}

/** A port, on this host or another one. */
export interface PlacedPort {
  readonly device: string;
  readonly host: string | null;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly pairs: PortPicture["addressPairs"];
  /** Absent: it is none. */
  readonly isRouter?: true;
}

/** Of several ports that could have one, the first has it; the host's own come first. */
export function placesOf(
  bridge: { readonly name: string; readonly mac: string },
  ports: readonly PlacedPort[],
) {
  const places = new Map<string, PlannedPlace>();
  const neighbours = new Map<string, PlannedNeighbour>();
  const place = (text: string, { device, host }: PlacedPort) => {
    const mac = text.toLowerCase();
    // Frames for the bridge itself are the host's.
    if (mac !== bridge.mac && !places.has(mac)) places.set(mac, { bridge: bridge.name, mac, device, host });
  };
  const neighbour = (address: string | undefined, text: string, isRouter = false) => {
    const mac = text.toLowerCase();
    if (address === undefined || !places.has(mac) || neighbours.has(address)) return;
    const leads = isRouter && address.includes(":") ? { isRouter: true as const } : {};
    neighbours.set(address, { bridge: bridge.name, address, mac, ...leads });
  };
  for (const port of ports) place(port.mac, port);
  for (const port of ports) for (const pair of port.pairs) place(pair.mac ?? port.mac, port);
  for (const { addresses, mac, isRouter } of ports)
    for (const address of addresses) neighbour(canonical(address), mac, isRouter);
  for (const { pairs, mac } of ports)
    for (const pair of pairs) neighbour(singleOf(pair.cidr), pair.mac ?? mac);
  return { places: [...places.values()], neighbours: [...neighbours.values()] };
}

/** The link-local address of IPv6 that is made of the MAC address: a port has no other. */
export const linkLocalText = (mac: string): string =>
  canonical(linkLocalOf(macDigits(mac)).match(/.{4}/g)?.join(":") ?? "") ?? "";

/** The address as the kernel writes addresses; undefined: the text is no address. */
export function canonical(text: string): string | undefined {
  const address = addressOf(text);
  return address && addressText(address);
}

/** Addresses of a link or of this host alone, of groups, and those that are IPv4's in IPv6's form. */
const reserved = [
  ...["0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"],
  ...["::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8"],
].flatMap((text) => cidrOf(text) ?? []);

/** The only address of a range; undefined for larger ranges, and where no address pair may be. */
function singleOf(text: string): string | undefined {
  const range = cidrOf(text);
  if (range === undefined || range.first !== range.last) return undefined;
  if (reserved.some((one) => overlap(one, range))) return undefined;
  return addressText({ version: range.version, value: range.first });
}
