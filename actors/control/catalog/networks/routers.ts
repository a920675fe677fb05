/**
 * Routers: made and changed by their projects. A change of what a router leads to is a change of its row as
 * well, so that two of them are never decided by the same interfaces.
 */
import { addressOf, cidrOf, cidrText, contains, overlap } from "../../../../protocol/address.ts";
import { floatingTarget } from "../../../../protocol/floating-ip.ts";
import { subnet } from "../../../../protocol/network.ts";
import { address, plug, port } from "../../../../protocol/port.ts";
import { type Router, router, routerInterface, type routerService } from "../../../../protocol/router.ts";
import { faulty } from "../../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { CallContext, Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { counted } from "../../../../protocol/wire/wording.ts";
import type { RowReads } from "../../../ports/row-reads.ts";
import { externalNetwork } from "../../networking/external-network.ts";
import { networkingLimits } from "../../networking/limits.ts";
import { gateOf, rowsOfGate } from "../../networking/router-interfaces.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { rowChanged, rowRemoved } from "../../request/row-changes.ts";
import { referringTo, shownRow } from "../../request/rows.ts";
import { resourceHandlers } from "../resource-handlers.ts";

type RouterRow = RowOf<typeof router>;
type Interface = Router["interfaces"][number];

export function routerHandlers(options: CatalogOptions): Handlers<typeof routerService> {
  const { rows } = options.store;
  const shownOne = async (one: RouterRow, interfaces?: readonly Interface[]): Promise<Router> => ({
    ...shownRow<typeof router>(one),
    interfaces: [...(interfaces ?? (await interfacesOf([one.id], rows)).map(({ shown }) => shown))],
  });
  const handlers = resourceHandlers(router, options, {
    join: async (routers) => {
      const all = await interfacesOf(
        routers.map(({ id }) => id),
        rows,
      );
      const of = (id: string) => all.filter((one) => one.routerId === id).map(({ shown }) => shown);
      return Promise.all(routers.map((one) => shownOne(one, of(one.id))));
    },
    attemptsMax: networkingLimits.routerAttemptsMax,
    held: "The router has interfaces: novact router show.",
    taken: () => new StatusError("addressTaken", "Another port of the network has the gateway's address."),
  });
  const { create, change, list, get, delete: remove } = handlers;
  const leadingTo = async (key: string | null, context: CallContext) =>
    key === null ? null : (await externalNetwork(key, context, rows)).id;
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { name, externalNetwork: key = null, snat = true, routes = [] } = request;
      if (routes.length > 0) throw faulty("routes", "needs interfaces of the router first");
      const fields = async () => {
        return { name, externalNetworkId: await leadingTo(key, context), snat, routes: [] };
      };
      return create(fields, { request, context });
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        const { externalNetwork: key, routes: asked, ...plain } = request;
        const interfaces = await interfacesOf([before.id], rows);
        const externalNetworkId =
          key === undefined ? before.externalNetworkId : await leadingTo(key, context);
        if (externalNetworkId !== before.externalNetworkId) await assertReachesNobody(interfaces, rows);
        const routes = asked === undefined ? before.routes : routesBy(asked, interfaces);
        return { after: { ...before, ...plain, externalNetworkId, routes }, body: { ...request } };
      }),
    addInterface: (request, context) =>
      change("addInterface", { request, context }, async (before) => {
        const gate = await gateOf(request, { context, project: before.project }, options);
        const there = await interfacesOf([before.id], rows);
        assertApart(gate.on.cidr, there);
        const made = rowsOfGate(gate, before, options);
        const commit = { rows: [...made.rows, rowChanged(router, before)] };
        const shown = await shownOne(before, [...there.map((one) => one.shown), made.shown]);
        return { commit, shown, event: "interfaceAdded", body: { ...made.shown } };
      }),
    removeInterface: (request, context) =>
      change("removeInterface", { request, context }, async (before) => {
        const there = await interfacesOf([before.id], rows);
        const gone = await chosenOf(request, there, rows);
        await assertReachesNobody([gone], rows);
        assertLeads(before, gone);
        const stay = there.filter((one) => one !== gone);
        const commit = { rows: [...gone.removal, rowChanged(router, before)] };
        const shown = await shownOne(
          before,
          stay.map((one) => one.shown),
        );
        return { commit, shown, event: "interfaceRemoved", body: { ...gone.shown } };
      }),
  };
}

interface Present {
  readonly routerId: string;
  readonly cidr: string;
  readonly shown: Interface;
  /** In the order in which they refer to each other. */
  readonly removal: readonly ReturnType<typeof rowRemoved>[];
}

/**
 * Interfaces of these routers, in the order in which they were made. What they refer to is read later: one
 * that was removed meanwhile is left out, and whoever changes the router by it meets a conflict.
 */
async function interfacesOf(routerIds: readonly string[], rows: RowReads): Promise<readonly Present[]> {
  const gates = await referringTo(routerInterface, { routerId: routerIds }, rows);
  const [addresses, ports, subnets] = await Promise.all([
    referringTo(address, { portId: gates.map(({ portId }) => portId) }, rows),
    called(
      port,
      gates.map(({ portId }) => portId),
      rows,
    ),
    called(
      subnet,
      gates.map(({ subnetId }) => subnetId),
      rows,
    ),
  ]);
  return gates.flatMap((gate) => {
    const { portId, networkId, subnetId, routerId } = gate;
    const own = addresses.find((one) => one.portId === portId && one.subnetId === subnetId);
    const [mac, cidr] = [ports.get(portId)?.mac, subnets.get(subnetId)?.cidr];
    if (own === undefined || mac === undefined || cidr === undefined) return [];
    const shown = { portId, networkId, subnetId, mac, address: own.name };
    return [{ routerId, cidr, shown, removal: removalOf(gate) }];
  });
}

/** Rows by their ids. */
async function called<R extends typeof port | typeof subnet>(
  resource: R,
  ids: readonly string[],
  rows: RowReads,
): Promise<ReadonlyMap<string, RowOf<R>>> {
  const found = await Promise.all(ids.map((id) => rows.called(resource, id)));
  return new Map(found.flat().map((one) => [one.id, one]));
}

/** The plug of a port has its port's id. */
const removalOf = (gate: RowOf<typeof routerInterface>) => [
  rowRemoved(routerInterface, gate),
  rowRemoved(plug, { id: gate.portId }),
  ...(gate.deletesPort ? [rowRemoved(port, { id: gate.portId })] : []),
];

/** @throws subnetOverlaps */
function assertApart(cidr: string, there: readonly Present[]): void {
  const own = cidrOf(cidr);
  const other = there.find((one) => {
    const range = cidrOf(one.cidr);
    return own !== undefined && range !== undefined && overlap(own, range);
  });
  if (other !== undefined)
    throw new StatusError("subnetOverlaps", `The router leads to ${other.cidr} already, and not to ${cidr}.`);
}

/** @throws notFound, schemaMismatch */
async function chosenOf(
  { subnet: subnetKey, port: portKey }: { readonly subnet?: string; readonly port?: string },
  there: readonly Present[],
  rows: RowReads,
): Promise<Present> {
  if ((subnetKey === undefined) === (portKey === undefined))
    throw faulty("subnet", "or else the port has to be named, and not both");
  const ids = new Set(
    subnetKey === undefined
      ? (await rows.called(port, portKey ?? "")).map(({ id }) => id)
      : (await rows.called(subnet, subnetKey)).map(({ id }) => id),
  );
  const [found, other] = there.filter(({ shown }) =>
    ids.has(subnetKey === undefined ? shown.portId : shown.subnetId),
  );
  const key = subnetKey ?? portKey;
  if (other !== undefined) throw new StatusError("ambiguous", `Several interfaces are called ${key}.`);
  if (found === undefined) throw new StatusError("notFound", `The router has no interface in ${key}.`);
  return found;
}

/** @throws inUse */
async function assertReachesNobody(interfaces: readonly Present[], rows: RowReads): Promise<void> {
  const interfaceId = interfaces.map(({ shown }) => shown.portId);
  const targets = await referringTo(floatingTarget, { interfaceId }, rows);
  if (targets.length === 0) return;
  const lead = `${counted(targets.length, "floating address", "floating addresses")}`;
  throw new StatusError("inUse", `${lead} would lead nowhere: novact floating-ip list.`);
}

/** @throws inUse */
function assertLeads({ routes }: RouterRow, { cidr }: Present): void {
  const range = cidrOf(cidr);
  const by = routes.find(({ nextHop }) => {
    const hop = addressOf(nextHop);
    return range !== undefined && hop !== undefined && contains(range, hop);
  });
  if (by !== undefined)
    throw new StatusError("inUse", `The route ${by.destination} by ${by.nextHop} leads through ${cidr}.`);
}

/** @throws schemaMismatch */
function routesBy(asked: Router["routes"], interfaces: readonly Present[]): Router["routes"] {
  return asked.map(({ destination, nextHop }) => {
    const [to, hop] = [cidrOf(destination), addressOf(nextHop)];
    if (to === undefined || hop === undefined || to.version !== hop.version)
      throw faulty("routes", `has ${destination} by ${nextHop}, which is no route`);
    const isBehind = interfaces.some(({ cidr, shown }) => {
      const range = cidrOf(cidr);
      return range !== undefined && contains(range, hop) && shown.address !== nextHop;
    });
    if (!isBehind) throw faulty("routes", `has ${nextHop}, which is no neighbour in a subnet of the router`);
    return { destination: cidrText(to), nextHop };
  });
}
