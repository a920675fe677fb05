/** The routes of a router, as a pure function of its interfaces and of the picture's routes. */
import {
  addressOf,
  addressText,
  type Cidr,
  cidrOf,
  cidrText,
  contains,
  overlap,
} from "../../../../protocol/address.ts";
import type { RouterPicture } from "../../../../protocol/networking.ts";
import type { RouterPort } from "../router-ports.ts";
import { everywhere6, leaveDevice, transitGateway } from "./names.ts";
import type { PlannedRoute } from "./planned.ts";

/** Next hops are behind an interface; a destination that has two has the first. `leads`: outside. */
export function routesOf(
  { routes }: RouterPicture,
  ports: readonly RouterPort[],
  leads: boolean,
): readonly PlannedRoute[] {
  const found = new Map(
    ports.map(({ range, device }): [string, PlannedRoute] => {
      const destination = destinationOf(range);
      return [destination, { destination, via: { address: null, device } }];
    }),
  );
  for (const { destination: to, nextHop } of routes) {
    const [range, hop] = [cidrOf(to), addressOf(nextHop)];
    const port = hop && ports.find((one) => contains(one.range, hop));
    if (range === undefined || range.version !== hop?.version || port === undefined) continue;
    const destination = destinationOf(range);
    if (found.has(destination)) continue;
    found.set(destination, { destination, via: { address: addressText(hop), device: port.device } });
  }
  const last = !leads ? null : { address: transitGateway, device: leaveDevice };
  if (!found.has("default")) found.set("default", { destination: "default", via: last });
  // Outside there is IPv4 only.
  const speaks6 = ports.some(({ range }) => range.version === 6);
  if (speaks6 && !found.has(everywhere6)) found.set(everywhere6, { destination: everywhere6, via: null });
  return [...found.values()];
}

export function destinationOf(range: Cidr): string {
  if (range.prefix === 0) return range.version === 4 ? "default" : everywhere6;
  const isOne = range.first === range.last;
  return isOne ? addressText({ version: range.version, value: range.first }) : cidrText(range);
}

/** Ranges that are in no other: the kernel's sets take none twice. What leads nowhere is none. */
export function prefixesOf(routes: readonly PlannedRoute[]): readonly string[] {
  const found = routes.flatMap(({ destination, via }) => {
    const bits = destination.includes(":") ? 128 : 32;
    const range =
      via === null ? undefined : cidrOf(destination.includes("/") ? destination : `${destination}/${bits}`);
    return range === undefined ? [] : [{ destination, range }];
  });
  const isIn = (one: Cidr, other: Cidr) => one !== other && overlap(one, other) && one.prefix > other.prefix;
  return found.flatMap(({ destination, range }) =>
    found.some((other) => isIn(range, other.range)) ? [] : [destination],
  );
}
