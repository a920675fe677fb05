/**
 * Floating addresses: taken from external networks, and led to ports by their projects. One that leads to a
 * port needs a router between; while it leads there, the router's interface stays.
 */
import { addressOf, addressText } from "../../../../protocol/address.ts";
import {
  type FloatingIp,
  floatingIp,
  type floatingIpService,
  floatingTarget,
} from "../../../../protocol/floating-ip.ts";
import type { network } from "../../../../protocol/network.ts";
import { address, plug, port } from "../../../../protocol/port.ts";
import { router, routerInterface } from "../../../../protocol/router.ts";
import { faulty } from "../../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { CallContext, Handlers, RequestOf } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { adminProject } from "../../../../protocol/wire/subjects.ts";
import type { RowReads } from "../../../ports/row-reads.ts";
import type { RowChange } from "../../../records/rows.ts";
import type { AddressAsked, Addresses, ChosenAddress } from "../../networking/addresses.ts";
import { allocating } from "../../networking/allocating.ts";
import { externalNetwork } from "../../networking/external-network.ts";
import { networkingLimits } from "../../networking/limits.ts";
import { devicePlugged, rowsOfPort } from "../../networking/port-rows.ts";
import { addressesAsked, type PortWorld } from "../../networking/port-wishes.ts";
import { type CatalogOptions, catalogCommit, commitOnce, unlessAnswered } from "../../request/commit-once.ts";
import { macAddressOf } from "../../request/mac-address.ts";
import { aboutRow, rowChanged, rowMade, rowRemoved } from "../../request/row-changes.ts";
import { findOwnRow, referringTo, shownRow } from "../../request/rows.ts";
import { newRow, resourceHandlers } from "../resource-handlers.ts";

export interface FloatingOptions extends CatalogOptions, Pick<PortWorld, "defaultGroups"> {
  readonly addresses: Addresses;
}

type Methods = (typeof floatingIpService)["methods"];
type Asked = RequestOf<Methods["create"]>;
type Target = NonNullable<FloatingIp["target"]>;

export function floatingIpHandlers(options: FloatingOptions): Handlers<typeof floatingIpService> {
  const { rows } = options.store;
  const handlers = resourceHandlers(floatingIp, options, {
    attemptsMax: networkingLimits.routerAttemptsMax,
    join: (floating) => withTargets(floating, rows),
    taken: leadsTwice,
    goesToo: async ({ id }) => (await targetsOf([id], rows)).map((one) => rowRemoved(floatingTarget, one)),
    goesAfter: async ({ portId }) => [rowRemoved(plug, { id: portId }), rowRemoved(port, { id: portId })],
  });
  const { change, list, get, delete: remove } = handlers;
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => createFloating(request, context, options),
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        const gone = await targetsOf([before.id], rows);
        const led = request.target === null ? undefined : await ledTo(request.target, before, context, rows);
        const come = led === undefined ? [] : rowsOfTarget(before.id, led, options);
        const commit = {
          rows: [
            ...gone.map((one) => rowRemoved(floatingTarget, one)),
            ...come,
            rowChanged(floatingIp, before),
          ],
        };
        const shown = { ...shownRow<typeof floatingIp>(before), target: led?.target ?? null };
        return { commit, shown, body: { target: led?.target ?? null } };
      }),
  };
}

const leadsTwice = (): StatusError =>
  new StatusError("inUse", "Another floating address leads to that address of the port already.");

const targetsOf = (floatingIds: readonly string[], rows: RowReads) =>
  referringTo(floatingTarget, { floatingId: floatingIds }, rows);

async function withTargets(
  floating: readonly RowOf<typeof floatingIp>[],
  rows: RowReads,
): Promise<readonly FloatingIp[]> {
  const targets = await targetsOf(
    floating.map(({ id }) => id),
    rows,
  );
  const gates = await Promise.all(
    targets.map(({ interfaceId }) => rows.called(routerInterface, interfaceId)),
  );
  const routerOf = new Map(gates.flat().map(({ id, routerId }) => [id, routerId]));
  return floating.map((one) => {
    const its = targets.find(({ floatingId }) => floatingId === one.id);
    const routerId = routerOf.get(its?.interfaceId ?? "");
    const led = its !== undefined && routerId !== undefined;
    const target = led ? { portId: its.portId, address: its.address, routerId } : null;
    return { ...shownRow<typeof floatingIp>(one), target };
  });
}

interface Led {
  readonly target: Target;
  readonly interfaceId: string;
  readonly by: RowOf<typeof router>;
}

/**
 * The port, its address and the router between. @throws notFound, ambiguous, adminOnly, noRouter,
 * schemaMismatch
 */
async function ledTo(
  asked: NonNullable<Asked["target"]>,
  { networkId, project }: Pick<RowOf<typeof floatingIp>, "networkId" | "project">,
  context: CallContext,
  rows: RowReads,
): Promise<Led> {
  const found = await findOwnRow(port, { ...context, id: asked.port }, rows);
  if (found.project !== project)
    throw new StatusError(
      "adminOnly",
      `The port ${found.name} is another project's than the floating address.`,
    );
  const own = (await referringTo(address, { portId: [found.id] }, rows)).filter(
    ({ name }) => !name.includes(":"),
  );
  const wanted = asked.address === undefined ? own[0] : own.find(({ name }) => name === asked.address);
  if (wanted === undefined)
    throw faulty("target", `has a port without ${asked.address ?? "an address of IPv4"}`);
  const gates = await referringTo(routerInterface, { subnetId: [wanted.subnetId] }, rows);
  for (const { id: interfaceId, routerId } of gates) {
    const [by] = await rows.called(router, routerId);
    if (by?.externalNetworkId !== networkId) continue;
    return { target: { portId: found.id, address: wanted.name, routerId }, interfaceId, by };
  }
  throw new StatusError("noRouter", `No router leads from the subnet of ${wanted.name} to that network.`);
}

/** The router is changed as well: where it leads outside is decided by whom it leads to. */
function rowsOfTarget(
  floatingId: string,
  { target: { portId, address: its }, interfaceId, by }: Led,
  { ids, clock }: Pick<CatalogOptions, "ids" | "clock">,
): readonly RowChange[] {
  const own = { id: ids.next(), name: floatingId, floatingId, portId, address: its, interfaceId };
  return [
    rowMade(floatingTarget, { ...own, createdAtMs: clock.nowMs(), version: 1 }),
    rowChanged(router, by),
  ];
}

/**
 * @throws notExternal, noRouter, subnetFull, addressTaken, inUse, quotaExceeded, adminOnly, schemaMismatch
 */
function createFloating(request: Asked, context: CallContext, options: FloatingOptions) {
  const cause = { request, context, options };
  return unlessAnswered("floating-ip.create", cause, async () => {
    const on = await externalNetwork(request.network, context, options.store.rows);
    const asked = await askedOf(request, on, context, options);
    for (let attempt = 1; ; attempt += 1) {
      const led = await ledFirst(request, on, context, options.store.rows);
      try {
        return await allocating({
          ...{ asked, addresses: options.addresses, signal: context.signal },
          commit: (chosen) => commitFloating({ on, led, chosen }, cause),
          given: ({ floatingIp: { name } }) => [name],
          taken: () => new StatusError("addressTaken", `The address ${request.address ?? ""} is taken.`),
        });
      } catch (thrown) {
        // Another floating address was led by the same router meanwhile.
        if (!isConflict(thrown) || attempt === networkingLimits.routerAttemptsMax) throw thrown;
      }
    }
  });
}

const isConflict = (thrown: unknown): boolean =>
  thrown instanceof StatusError && thrown.reason === "generationConflict";

async function ledFirst(
  { target }: Asked,
  on: RowOf<typeof network>,
  context: CallContext,
  rows: RowReads,
): Promise<Led | undefined> {
  if (target === undefined) return undefined;
  const led = await ledTo(target, { networkId: on.id, project: context.project }, context, rows);
  const { portId, address: its } = led.target;
  const others = await referringTo(floatingTarget, { portId: [portId] }, rows);
  // The commit's refusal would not tell it from an address of the network that is taken.
  if (others.some((one) => one.address === its)) throw leadsTwice();
  return led;
}

/** One address of IPv4. @throws adminOnly, schemaMismatch */
async function askedOf(
  { address: wanted }: Asked,
  on: RowOf<typeof network>,
  { project }: CallContext,
  world: FloatingOptions,
): Promise<readonly AddressAsked[]> {
  if (wanted !== undefined && project !== adminProject && project !== on.project)
    throw new StatusError("adminOnly", `Only operators choose an address of the network ${on.name}.`);
  const value = wanted === undefined ? undefined : addressOf(wanted);
  if (wanted !== undefined && value?.version !== 4) throw faulty("address", `is ${wanted}, and no IPv4`);
  const text = value === undefined ? {} : { addresses: [{ address: addressText(value) }] };
  const asked = await addressesAsked({ network: on.id, ...text }, on, world, "address");
  const [four] = asked.filter(({ subnets }) => subnets.some(({ cidr }) => !cidr.includes(":")));
  if (four === undefined)
    throw new StatusError(
      "notExternal",
      `The network ${on.name} has no subnet of IPv4 to take an address of.`,
    );
  return [four];
}

interface Plan {
  readonly on: RowOf<typeof network>;
  readonly led: Led | undefined;
  readonly chosen: readonly ChosenAddress[];
}

async function commitFloating(
  { on, led, chosen }: Plan,
  cause: { readonly request: object; readonly context: CallContext; readonly options: FloatingOptions },
) {
  const { context, options } = cause;
  const [first] = chosen;
  const settings = { networkId: on.id, portSecurity: false, addressPairs: [] };
  const plain = await newRow(port, context, settings, options);
  const mac = macAddressOf(plain.id);
  const keeper = { ...plain, mac, name: mac };
  const fields = { name: first?.address, networkId: on.id, portId: keeper.id };
  const row = await newRow(floatingIp, context, fields, options);
  const rows = [
    ...rowsOfPort({ row: keeper, groups: [], chosen }, options),
    devicePlugged(keeper.id, "floating-ip", row.id, options),
    rowMade(floatingIp, row),
    ...(led === undefined ? [] : rowsOfTarget(row.id, led, options)),
  ];
  const target = led?.target ?? null;
  const about = aboutRow(floatingIp, row, { event: "created", body: { networkId: on.id, target } });
  const shown = { ...shownRow<typeof floatingIp>(row), target };
  return commitOnce(
    { rows, ...catalogCommit("floating-ip.create", about, cause) },
    { floatingIp: shown },
    options,
  );
}
