/**
 * What may be asked of a new port, whoever makes it: on which networks, in which groups, with which
 * addresses. It chooses no address and makes nothing.
 */
import { type Address, addressOf, cidrOf, contains } from "../../../protocol/address.ts";
import { type Network, type network, type Subnet, subnet } from "../../../protocol/network.ts";
import type { Port, portService } from "../../../protocol/port.ts";
import { defaultGroupName, securityGroup } from "../../../protocol/security-group.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext, RequestOf } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Store } from "../../ports/store.ts";
import { findOwnRow, referringTo } from "../request/rows.ts";
import type { AddressAsked } from "./addresses.ts";
import type { DefaultGroups } from "./default-group.ts";

export type PortAsked = RequestOf<(typeof portService)["methods"]["create"]>;
type Caller = Pick<CallContext, "project">;

export interface PortWorld {
  readonly store: Pick<Store, "rows">;
  readonly defaultGroups: Pick<DefaultGroups, "of">;
}

/** @throws adminOnly */
export function assertUsable({ project, name, shared }: RowOf<typeof network>, context: Caller): void {
  if (shared || project === context.project || context.project === adminProject) return;
  throw new StatusError("adminOnly", `Only operators make ports on the external network ${name}.`);
}

/**
 * On a network that another project shares, nobody chooses who to be: neither an address or a MAC, nor to be
 * unfiltered. As Neutron's policy has it. @throws adminOnly
 */
export function assertMayPretend(
  asked: Pick<PortAsked, "mac" | "addresses" | "addressPairs" | "portSecurity">,
  { project, name }: RowOf<typeof network>,
  context: Caller,
): void {
  if (project === context.project || context.project === adminProject) return;
  const wishes = {
    "a MAC": asked.mac !== undefined,
    "an address": (asked.addresses ?? []).some((one) => one.address !== undefined),
    "address pairs": (asked.addressPairs ?? []).length > 0,
    "a port without security": asked.portSecurity === false,
  };
  const [wish] = Object.entries(wishes).find(([, asks]) => asks) ?? [];
  if (wish === undefined) return;
  throw new StatusError("adminOnly", `The network ${name} is shared: only its owner chooses ${wish} on it.`);
}

/** Ids of groups of the caller's project, each once. */
export async function groupsOf(
  keys: readonly string[],
  context: Caller,
  { store, defaultGroups }: PortWorld,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const key of keys) {
    if (key === defaultGroupName) found.push(await defaultGroups.of(context.project));
    else found.push((await findOwnRow(securityGroup, { ...context, id: key }, store.rows)).id);
  }
  return [...new Set(found)];
}

export function assertFiltered(
  { portSecurity }: Pick<Port, "portSecurity">,
  groups: readonly string[],
): void {
  if (portSecurity || groups.length === 0) return;
  throw faulty("securityGroups", "does not go with portSecurity false: nothing is filtered then");
}

/** The addresses that a port of this request gets, by the network's subnets as they are. */
export async function addressesAsked(
  asked: PortAsked,
  on: Network | RowOf<typeof network>,
  { store }: PortWorld,
  field?: string,
): Promise<readonly AddressAsked[]> {
  return addressesOn(asked, on, await referringTo(subnet, { networkId: [on.id] }, store.rows), field);
}

/** By default one of each IP version. `field`: the request's own for them. */
export function addressesOn(
  { addresses }: PortAsked,
  on: Network | RowOf<typeof network>,
  subnets: readonly Subnet[],
  field = "addresses",
): readonly AddressAsked[] {
  if (addresses === undefined) {
    const [four, six] = [false, true].map((isSix) =>
      subnets.filter(({ cidr }) => cidr.includes(":") === isSix),
    );
    return [four, six].flatMap((all = []) => (all.length === 0 ? [] : [{ subnets: all }]));
  }
  return addresses.map((asked) => ({
    subnets: [subnetFor(asked, subnets, { where: on.name, field })],
    ...(asked.address === undefined ? {} : { address: asked.address, field }),
  }));
}

const isWithin = (cidr: string, wanted: Address): boolean => {
  const range = cidrOf(cidr);
  return range !== undefined && contains(range, wanted);
};

function subnetFor(
  asked: { readonly subnet?: string; readonly address?: string },
  subnets: readonly Subnet[],
  { where, field }: { readonly where: string; readonly field: string },
): Subnet {
  const named =
    asked.subnet === undefined
      ? subnets
      : subnets.filter(({ id, name }) => id === asked.subnet || name === asked.subnet);
  const wanted = asked.address === undefined ? undefined : addressOf(asked.address);
  if (asked.address !== undefined && wanted === undefined)
    throw faulty(field, `has ${asked.address}, which is no address`);
  const fitting = wanted === undefined ? named : named.filter(({ cidr }) => isWithin(cidr, wanted));
  const [found, ...others] = fitting;
  if (found === undefined) {
    const what = [asked.address, asked.subnet].filter((one) => one !== undefined).join(" of ");
    throw faulty(field, `has ${what || "an empty entry"}, and the network ${where} has no such subnet`);
  }
  if (asked.subnet !== undefined && others.length > 0)
    throw new StatusError("ambiguous", `Several subnets of ${where} are called ${asked.subnet}.`);
  return found;
}
