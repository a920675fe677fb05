/**
 * Who leads guests on by IPv6: an interface of a router of ours that has the address of the subnet's gateway.
 * Guests know a router by its link-local address (RFC 4861, 6.1.2), so each subnet has one for its gateway,
 * whichever router that is: who loses the gateway hears it from the address that has told of it. Pure.
 */
import { cidrOf } from "../../../protocol/address.ts";
import type { SubnetPicture } from "../../../protocol/networking.ts";
import { digitsOf } from "./device-names.ts";
import { canonical } from "./places.ts";
import type { RouterPort } from "./router-ports.ts";

export const isSubnet6 = ({ cidr }: Pick<SubnetPicture, "cidr">): boolean => cidrOf(cidr)?.version === 6;

/** No MAC address comes to it. */
export function gatewayLinkLocal({ id }: Pick<SubnetPicture, "id">): string {
  const digits = digitsOf(id).slice(4);
  return canonical(`fe80:0:0:0:a9fe:0:${digits.slice(0, 4)}:${digits.slice(4)}`) ?? "";
}

/** Undefined: none of ours leads on from there. */
export const gatewayOf = (
  { id, gateway }: SubnetPicture,
  routers: readonly RouterPort[],
): RouterPort | undefined =>
  gateway === null
    ? undefined
    : routers.find(({ subnetId, address }) => subnetId === id && address === canonical(gateway));
