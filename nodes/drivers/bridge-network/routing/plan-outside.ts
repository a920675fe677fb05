/** What the ways outside of a node are to be, as a pure function of the routers that need them. */
import { addressOf, addressText, cidrOf, contains } from "../../../../protocol/address.ts";
import type { RouterPicture } from "../../../../protocol/networking.ts";
import { outsideDevice, outsideMac, outsideSpace } from "./names.ts";
import type { OutsideOption, OutsideOptions } from "./options.ts";
import { destinationOf } from "./plan-routes.ts";
import type {
  PlannedCustomer,
  PlannedFloating,
  PlannedLeave,
  PlannedOutside,
  PlannedRouter,
} from "./planned.ts";

/** Ways outside that a router needs. */
export function outsidesOf(
  pictures: readonly RouterPicture[],
  routers: readonly PlannedRouter[],
  options: OutsideOptions,
): readonly PlannedOutside[] {
  return Object.entries(options).flatMap(([physicalNetwork, option]) => {
    const space = outsideSpace(physicalNetwork);
    const customers = routers.flatMap(({ leave, floating }) =>
      leave?.space === space ? [customerOf(leave, floating)] : [],
    );
    const subnets = pictures.flatMap(({ outside }) =>
      outside?.physicalNetwork === physicalNetwork ? outside.subnets : [],
    );
    return customers.length === 0 ? [] : [outsideOf(physicalNetwork, option, subnets, customers)];
  });
}

const customerOf = (
  { device, transit, mtuBytes }: PlannedLeave,
  floating: readonly PlannedFloating[],
): PlannedCustomer => ({ device, transit, mtuBytes, floating: floating.map(({ address }) => address) });

function outsideOf(
  physicalNetwork: string,
  { device: parent, address: text }: OutsideOption,
  subnets: NonNullable<RouterPicture["outside"]>["subnets"],
  customers: readonly PlannedCustomer[],
): PlannedOutside {
  const { address, range } = ownAddress(text) ?? { address: undefined, range: undefined };
  const ranges = subnets.flatMap(({ cidr }) => {
    const one = cidrOf(cidr);
    return one?.version === 4 && one.prefix > 0 ? [destinationOf(one)] : [];
  });
  const near = range === undefined ? [] : [destinationOf({ ...range })];
  return {
    ...{
      space: outsideSpace(physicalNetwork),
      device: outsideDevice(physicalNetwork),
      parent,
      address: text,
    },
    mac: outsideMac(physicalNetwork, text),
    gateway: gatewayOf(address, subnets),
    ranges: [...new Set([...near, ...ranges])].sort(),
    customers,
  };
}

/** That of the range in which the node's own address is; else the first of all. The node is never its own. */
function gatewayOf(
  own: string | undefined,
  subnets: NonNullable<RouterPicture["outside"]>["subnets"],
): string | null {
  const known = subnets.flatMap(({ cidr, gateway }) => {
    const [range, address] = [cidrOf(cidr), gateway === null ? undefined : addressOf(gateway)];
    if (range?.version !== 4 || address?.version !== 4) return [];
    const text = addressText(address);
    return text === own ? [] : [{ range, text }];
  });
  const address = own === undefined ? undefined : addressOf(own);
  const near = known.filter(({ range }) => address !== undefined && contains(range, address));
  const [first] = (near.length > 0 ? near : known).map(({ text }) => text).sort();
  return first ?? null;
}

/** An address with a prefix of IPv4; undefined: the text is none, or has no address beside its own. */
export function ownAddress(text: string) {
  const [head = "", tail = ""] = text.split("/");
  const address = addressOf(head);
  const prefix = /^[0-9]{1,2}$/.test(tail) ? Number(tail) : Number.NaN;
  if (address?.version !== 4 || !(prefix >= 1 && prefix <= 32)) return undefined;
  const size = 1n << BigInt(32 - prefix);
  const first = address.value - (address.value % size);
  const range = { version: 4, first, last: first + size - 1n, prefix } as const;
  return { address: addressText(address), range };
}
