/** Names and MAC addresses of what routers and ways outside are made of, as pure functions of ids. */
import { createHash } from "node:crypto";
import { addressOf } from "../../../../protocol/address.ts";

/** The range that the kernel's tools call `default`, as they call that of IPv4. */
export const everywhere6 = "::/0";
/** The router's end of its way outside. */
export const leaveDevice = "out0";
/** Both ends of a pair are alone with each other, whatever their MAC addresses. */
export const transitMacs = { router: "0e:6e:00:00:00:02", outside: "0e:6e:00:00:00:01" } as const;

const digest = (text: string, digits: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

export const routerSpace = (id: string): string => `router-${digest(id, 24)}`;
export const isRouterSpace = (name: string): boolean => name.startsWith("router-");
export const outsideSpace = (physicalNetwork: string): string => `outside-${digest(physicalNetwork, 24)}`;
export const outsideDevice = (physicalNetwork: string): string => `nvo${digest(physicalNetwork, 12)}`;
/** In the way outside; no two of them have one transit address. */
export const customerDevice = (transit: string): string => `nve${addressOf(transit)?.value.toString(16)}`;

/** Of one device, and the same whenever it is made: neighbours need not learn it again. */
export const outsideMac = (physicalNetwork: string, address: string): string =>
  `0e:6f:${digest(`${physicalNetwork} ${address}`, 8).match(/../g)?.join(":")}`;

/** All that is between routers and ways outside: addresses of one link, which nobody else has (RFC 3927). */
export const transitRange = "169.254.0.0/16";

/** At the ways outside. */
export const transitGateway = "169.254.0.1";
