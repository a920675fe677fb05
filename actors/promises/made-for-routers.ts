/**
 * Routers, ways outside and floating addresses that a host must have by its applied picture, and which of
 * them are left over or missing on the host. Pure.
 */
import type { HostNetworking } from "../../protocol/networking.ts";

export interface MadeThing {
  readonly what: "router" | "way outside" | "floating address";
  /** Id of the router, or of the floating address. */
  readonly row: string;
}

/** In the order in which they need each other. */
export function madeForRouters(picture: HostNetworking | null): readonly MadeThing[] {
  const routers = picture?.routers ?? [];
  const thing =
    (what: MadeThing["what"]) =>
    ({ id }: { readonly id: string }): MadeThing => ({ what, row: id });
  return [
    ...routers.map(thing("router")),
    ...routers.filter(({ outside }) => outside !== null).map(thing("way outside")),
    ...routers.flatMap(({ floating }) => floating).map(thing("floating address")),
  ];
}

const kinds: readonly string[] = ["router", "way outside", "floating address"] satisfies MadeThing["what"][];
export const isForRouters = ({ what }: { readonly what: string }): boolean => kinds.includes(what);

interface Thing {
  readonly what: string;
  readonly row: string;
}

/** Things of the first list that are not in the second one. */
export const lacking = <T extends Thing>(some: readonly T[], others: readonly Thing[]): readonly T[] =>
  some.filter(({ what, row }) => !others.some((other) => other.what === what && other.row === row));
