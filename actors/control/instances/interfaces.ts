/**
 * The network interfaces of new instances: what a create asks for is resolved, addresses are chosen, and
 * ports and plugs become rows of the instances' own commit (wiring.ts). So no instance is ever without the
 * address that its answer names, and none has a port that another one has. The commit decides both; here is
 * only a guess.
 */
import type { AskedInterface, AskedInterfaces } from "../../../protocol/interface.ts";
import { network, subnet } from "../../../protocol/network.ts";
import { address, plug, port } from "../../../protocol/port.ts";
import type { AskedPublication } from "../../../protocol/published-port.ts";
import { defaultGroupName, securityGroup } from "../../../protocol/security-group.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import { nounInWords, type RowOf } from "../../../protocol/wire/resource.ts";
import { type Denial, StatusError } from "../../../protocol/wire/status.ts";
import type { AddressAsked, Addresses, ChosenAddress, Own } from "../networking/addresses.ts";
import { defaultGroupIdOf } from "../networking/default-group.ts";
import { onlyNetwork } from "../networking/only-network.ts";
import {
  addressesOn,
  assertMayPretend,
  assertUsable,
  groupsOf,
  type PortWorld,
} from "../networking/port-wishes.ts";
import {
  assertBindable,
  assertDifferent,
  assertHostPortsFree,
  notPublishable,
  publishableOn,
} from "../networking/publications.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { findOwnRow, referringTo } from "../request/rows.ts";
import { readNetwork } from "./network-reads.ts";

export interface InterfaceWorld
  extends PortWorld,
    Pick<CatalogOptions, "clock" | "ids" | "hostPortsReserved"> {
  readonly addresses: Addresses;
}

/** For a dry run: no address is on its way, and the default group is not made but has its id. */
export const rehearsing = (world: InterfaceWorld): InterfaceWorld => ({
  ...world,
  addresses: world.addresses.rehearsal(),
  defaultGroups: { of: async (project) => defaultGroupIdOf(project) },
});

/** An interface of each instance of a create: a new port, or one that is there. */
export type PlannedInterface = {
  /** Ports of hosts that are to lead to it. */
  readonly published?: readonly AskedPublication[];
} & (
  | {
      readonly kind: "new";
      readonly on: RowOf<typeof network>;
      readonly groups: readonly string[];
      readonly addresses: readonly AddressAsked[];
    }
  | {
      readonly kind: "there";
      readonly port: RowOf<typeof port>;
      readonly addresses: readonly ChosenAddress[];
      readonly on: RowOf<typeof network>;
    }
);

/** What of an interface decides where its guest can be; a new port has no limit. */
export const packetsIn = (one: PlannedInterface) => ({ ...keptPackets(one), isLimited: hasLimit(one) });

export const hasLimit = (one: PlannedInterface): boolean =>
  one.kind === "there" && one.port.bandwidth !== null;

/** The part that stays as it is while the port is plugged in; a new port is filtered. */
export const carriedBy = ({ mtuBytes, physicalNetwork }: RowOf<typeof network>) => ({
  ...{ mtuBytes, ...(physicalNetwork === null ? {} : { physicalNetwork }) },
});

export const keptPackets = (one: PlannedInterface) => ({
  ...carriedBy(one.on),
  ...(one.kind === "new" || one.port.portSecurity ? {} : { portSecurity: false }),
});

export interface InterfaceQuestion {
  readonly networks?: AskedInterfaces;
  readonly publish?: readonly AskedPublication[];
  readonly count?: number;
}

/**
 * Reads nothing when nothing is asked for. Null: as before there were networks. @throws notFound, ambiguous,
 * adminOnly, inUse, schemaMismatch, quotaExceeded (no room for the default group)
 */
export async function interfacesOf(
  { networks: wanted, publish = [], count = 1 }: InterfaceQuestion,
  project: string,
  world: InterfaceWorld,
): Promise<readonly PlannedInterface[] | null> {
  assertPublishing(publish, count);
  if (wanted === undefined && publish.length > 0) throw notPublishable();
  if (wanted === undefined) return null;
  const networks = typeof wanted === "string" ? await saidBy(wanted, project, world) : wanted;
  for (const asked of networks) assertNames(asked, count);
  const planned = await allInOrder(
    networks.map((asked) =>
      asked.port === undefined ? newOn(asked, project, world) : there(asked, project, world),
    ),
  );
  const ports = planned.flatMap((one) => (one.kind === "there" ? one.port.id : []));
  if (new Set(ports).size < ports.length) throw faulty("networks", "names a port twice");
  return publish.length === 0 ? planned : publishing(planned, publish, world);
}

/** @throws schemaMismatch */
function assertNames(asked: AskedInterface, count: number): void {
  if ((asked.network === undefined) === (asked.port === undefined))
    throw faulty("networks", "has an entry that does not name either a network or a port");
  if (count > 1 && (asked.port !== undefined || asked.address !== undefined))
    throw faulty("networks", `names a port or an address, which only one of ${count} instances can have`);
}

/** Of several failures the first in this order is told, whichever comes first. */
async function allInOrder<T>(all: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** @throws schemaMismatch */
function assertPublishing(publish: readonly AskedPublication[], count: number): void {
  assertBindable(publish, "publish");
  assertDifferent(publish);
  if (publish.length > 0 && count > 1)
    throw faulty("publish", `names ports of hosts, which only one of ${count} instances can have`);
}

/** The first interface that callers can be answered from is the published one. @throws notPublishable */
async function publishing(
  planned: readonly PlannedInterface[],
  published: readonly AskedPublication[],
  { store }: InterfaceWorld,
): Promise<readonly PlannedInterface[]> {
  for (const [at, one] of planned.entries()) {
    const networkId = one.kind === "new" ? one.on.id : one.port.networkId;
    const fitting = within(one, await publishableOn(networkId, store));
    if (fitting !== undefined) return planned.with(at, { ...fitting, published });
  }
  throw notPublishable();
}

/** The interface with an address in one of the subnets; undefined: it can have none. */
function within(one: PlannedInterface, subnetIds: ReadonlySet<string>): PlannedInterface | undefined {
  if (one.kind === "there")
    return one.addresses.some(({ subnetId }) => subnetIds.has(subnetId)) ? one : undefined;
  const at = one.addresses.findIndex(({ subnets }) => subnets.some(({ id }) => subnetIds.has(id)));
  const asked = one.addresses[at];
  if (asked === undefined) return undefined;
  const subnets = asked.subnets.filter(({ id }) => subnetIds.has(id));
  return { ...one, addresses: one.addresses.with(at, { ...asked, subnets }) };
}

const saidBy = async (
  word: "auto" | "none",
  project: string,
  { store }: InterfaceWorld,
): Promise<readonly AskedInterface[]> =>
  word === "none" ? [] : [{ network: await onlyNetwork(project, store.rows) }];

async function newOn(
  { network: key = "", address: wanted }: AskedInterface,
  project: string,
  world: InterfaceWorld,
): Promise<PlannedInterface> {
  const caller = { project, id: key };
  const { on, subnets } = await readNetwork(caller, world.store.rows);
  const asked = { network: key, ...(wanted === undefined ? {} : { addresses: [{ address: wanted }] }) };
  assertUsable(on, caller);
  assertMayPretend(asked, on, caller);
  const groups = await groupsOf([defaultGroupName], caller, world);
  return { kind: "new", on, groups, addresses: addressesOn(asked, on, subnets, "networks") };
}

async function there(
  { port: key = "", address: wanted }: AskedInterface,
  project: string,
  world: InterfaceWorld,
): Promise<PlannedInterface> {
  if (wanted !== undefined) throw faulty("networks", "has an address for a port, which has its own");
  const { rows } = world.store;
  const found = await findOwnRow(port, { project, id: key }, rows);
  const [[on], addresses] = await Promise.all([
    rows.called(network, found.networkId),
    referringTo(address, { portId: [found.id] }, rows),
  ]);
  if (on === undefined) throw new StatusError("notFound", `The network of the port ${found.name} is gone.`);
  const its = addresses.map(({ subnetId, name }) => ({ subnetId, address: name }));
  return { kind: "there", port: found, addresses: its, on };
}

/** Addresses for the interfaces of some instances, until they are settled. */
export interface ChosenInterfaces {
  /** For each instance, for each of its interfaces. */
  readonly each: readonly (readonly (readonly ChosenAddress[])[])[];
  /** Why there are fewer than were asked for; absent: there are not. */
  readonly rest?: Denial;
}

/**
 * Chooses for `count` instances; for fewer when a subnet is full, but for `atLeast`. @throws subnetFull,
 * addressTaken, inUse, hostPortTaken
 */
export const chooseInterfaces = (
  planned: readonly PlannedInterface[],
  wanted: HowMany,
  world: InterfaceWorld,
): Promise<ChosenInterfaces> =>
  world.addresses.patiently((own) => chooseNow(planned, wanted, { ...world, own }), wanted.isLate);

interface HowMany {
  readonly count: number;
  readonly atLeast: number;
  /** Whoever asked waits no more. */
  readonly isLate: () => boolean;
}

async function chooseNow(
  planned: readonly PlannedInterface[],
  { count, atLeast }: HowMany,
  world: InterfaceWorld & { readonly own: Own },
): Promise<ChosenInterfaces> {
  await assertUnplugged(planned, world);
  await assertHostPortsFree(
    planned.flatMap(({ published = [] }) => published),
    world,
  );
  const each: (readonly (readonly ChosenAddress[])[])[] = [];
  try {
    while (each.length < count) each.push(await chooseOne(planned, world));
    return { each };
  } catch (thrown) {
    if (isFull(thrown) && each.length >= atLeast) return { each, rest: denialOf(thrown) };
    settleInterfaces({ each }, "refused", world);
    throw thrown;
  }
}

export function settleInterfaces(
  { each }: ChosenInterfaces,
  outcome: Parameters<Addresses["settled"]>[1],
  { addresses }: Pick<InterfaceWorld, "addresses">,
): void {
  addresses.settled(each.flat(2), outcome);
}

async function chooseOne(
  planned: readonly PlannedInterface[],
  { addresses, own }: Pick<InterfaceWorld, "addresses"> & { readonly own: Own },
) {
  const chosen: (readonly ChosenAddress[])[] = [];
  try {
    for (const one of planned)
      chosen.push(one.kind === "there" ? [] : await addresses.choose(one.addresses, own));
    return chosen;
  } catch (thrown) {
    addresses.settled(chosen.flat(), "refused");
    throw thrown;
  }
}

/** Said before the commit, whose refusal does not tell a port from an address. @throws inUse */
async function assertUnplugged(
  planned: readonly PlannedInterface[],
  { store }: InterfaceWorld,
): Promise<void> {
  const ports = planned.flatMap((one) => (one.kind === "there" ? one.port : []));
  const [taken] = await referringTo(plug, { portId: ports.map(({ id }) => id) }, store.rows);
  if (taken === undefined) return;
  const name = ports.find(({ id }) => id === taken.portId)?.name;
  throw new StatusError("inUse", `The port ${name} belongs to the ${taken.device} ${taken.deviceId}.`);
}

const parts: ReadonlySet<string> = new Set([network, subnet, port, securityGroup].map(({ noun }) => noun));

/** For a row that the commit found missing, though it was read for the create. Undefined: of no network. */
export const networkPartGone = (noun: string, id: string): StatusError | undefined =>
  parts.has(noun)
    ? new StatusError("notFound", `There is no ${nounInWords({ noun })} ${id} any more.`)
    : undefined;

const isFull = (thrown: unknown): thrown is StatusError =>
  thrown instanceof StatusError && thrown.reason === "subnetFull";

const denialOf = ({ reason, message, details }: StatusError): Denial =>
  ({ reason, message, ...(details === undefined ? {} : { details }) }) as Denial;
