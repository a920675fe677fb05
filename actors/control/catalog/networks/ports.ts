/**
 * Ports: made with their addresses and groups in one commit, so that no port is ever without the address that
 * its answer names. What is plugged in is said by whoever plugs it in, not here.
 */
import { cidrOf, cidrText } from "../../../../protocol/address.ts";
import { network } from "../../../../protocol/network.ts";
import { groupMembership, type Port, port, type portService } from "../../../../protocol/port.ts";
import { defaultGroupName } from "../../../../protocol/security-group.ts";
import type { PortCounters } from "../../../../protocol/traffic.ts";
import { faulty } from "../../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { AnswerOf, CallContext, Handlers } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Addresses, ChosenAddress } from "../../networking/addresses.ts";
import { allocating } from "../../networking/allocating.ts";
import { bandwidthOf, limitsMore } from "../../networking/bandwidth.ts";
import { membershipMade, rowsOfPort } from "../../networking/port-rows.ts";
import {
  addressesAsked,
  assertFiltered,
  assertMayPretend,
  assertUsable,
  groupsOf,
  type PortAsked,
} from "../../networking/port-wishes.ts";
import { catalogCommit, commitOnce, unlessAnswered } from "../../request/commit-once.ts";
import { macAddressOf } from "../../request/mac-address.ts";
import { aboutRow, rowChanged, rowRemoved } from "../../request/row-changes.ts";
import { findRow, referringTo, shownRow } from "../../request/rows.ts";
import { newRow, resourceHandlers } from "../resource-handlers.ts";
import type { GroupOptions } from "./security-groups.ts";
import { deviceOf, type ShowingOptions, withAddresses, withStatus } from "./shown-ports.ts";

export interface PortOptions extends GroupOptions, ShowingOptions {
  readonly store: GroupOptions["store"];
  readonly addresses: Addresses;
  /** The port's counters, which its host is asked for. */
  readonly portCounters: (port: Port, context: Pick<CallContext, "signal">) => Promise<PortCounters>;
  /** @throws limitNotKept when the host of the port's guest is known to keep no limits */
  readonly assertLimitKept: (wish: RowOf<typeof port>) => Promise<void>;
}

type Methods = (typeof portService)["methods"];

export function portHandlers(options: PortOptions): Handlers<typeof portService> {
  const { rows } = options.store;
  const handlers = resourceHandlers(port, options, {
    join: (ports, context) => withStatus(ports, context, options),
    // A group that the port has got meanwhile: the change is decided anew.
    taken: () => new StatusError("generationConflict", "The port was changed at the same time."),
    assertFree,
  });
  const { change, list, get, delete: remove } = handlers;
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => createPort(request, context, options),
    counters: async (_request, context) => {
      const [shown] = await withAddresses([await findRow(port, context, rows)], options);
      if (shown === undefined) throw new StatusError("internal", "The port was not shown.");
      return { counters: await options.portCounters(shown, context) };
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        const { securityGroups, addressPairs, bandwidth: limits, ...plain } = request;
        const [on] = await rows.called(network, before.networkId);
        if (on !== undefined) assertMayPretend(request, on, context);
        const pairs = addressPairs === undefined ? before.addressPairs : pairsOf(addressPairs);
        const bandwidth = bandwidthOf(limits, before.bandwidth);
        const after = { ...before, ...plain, addressPairs: pairs, bandwidth };
        if (limitsMore(before.bandwidth, bandwidth)) await options.assertLimitKept(after);
        const memberships = await referringTo(groupMembership, { portId: [before.id] }, rows);
        const had = memberships.map(({ groupId }) => groupId);
        const groups =
          securityGroups === undefined
            ? had
            : await groupsOf(securityGroups, { ...context, project: before.project }, options);
        assertFiltered(after, groups);
        const gone = memberships.filter(({ groupId }) => !groups.includes(groupId));
        const come = groups.filter((id) => !had.includes(id));
        const commit = {
          rows: [
            ...gone.map((one) => rowRemoved(groupMembership, one)),
            ...come.map((id) => membershipMade(before.id, id, options)),
            rowChanged(port, after),
          ],
        };
        const [shown] = await withAddresses([after], options);
        if (shown === undefined) throw new StatusError("internal", "The port was not shown.");
        return { commit, shown: { ...shown, securityGroupIds: [...groups].sort() }, body: { ...plain } };
      }),
  };
}

function assertFree({ name, device, deviceId }: Port): void {
  if (deviceId === null) return;
  throw new StatusError("inUse", `The port ${name} belongs to the ${device ?? "device"} ${deviceId}.`);
}

/** @throws subnetFull, addressTaken, quotaExceeded, requestIdReused, ambiguous, notFound, schemaMismatch */
async function createPort(
  request: PortAsked,
  context: CallContext,
  options: PortOptions,
): Promise<AnswerOf<Methods["create"]>> {
  const cause = { request, context, options };
  return unlessAnswered("port.create", cause, async () => {
    const on = await findRow(network, { ...context, id: request.network }, options.store.rows);
    assertUsable(on, context);
    assertMayPretend(request, on, context);
    const { portSecurity = true } = request;
    const wished = request.securityGroups ?? (portSecurity ? [defaultGroupName] : []);
    const groups = await groupsOf(wished, context, options);
    assertFiltered({ portSecurity }, groups);
    const asked = await addressesAsked(request, on, options);
    return allocating({
      ...{ asked, addresses: options.addresses, signal: context.signal },
      commit: (chosen) => commitPort({ request, on, groups, chosen }, cause),
      given: (answer) => answer.port.addresses.map((one) => one.address),
      taken: () => takenError(request),
    });
  });
}

function takenError({ mac }: PortAsked): StatusError {
  const which = mac === undefined ? "An address" : `The MAC address ${mac}, or an address,`;
  return new StatusError("addressTaken", `${which} that the port would have is taken.`);
}

interface PortPlan {
  readonly request: PortAsked;
  readonly on: RowOf<typeof network>;
  readonly groups: readonly string[];
  readonly chosen: readonly ChosenAddress[];
}

async function commitPort(
  { request, on, groups, chosen }: PortPlan,
  cause: { readonly request: object; readonly context: CallContext; readonly options: PortOptions },
): Promise<AnswerOf<Methods["create"]>> {
  const { context, options } = cause;
  const { portSecurity = true, addressPairs = [] } = request;
  const bandwidth = bandwidthOf(request.bandwidth, null);
  const fields = { networkId: on.id, portSecurity, addressPairs: pairsOf(addressPairs), bandwidth };
  const made = await newRow(port, context, fields, options);
  const mac = request.mac?.toLowerCase() ?? macAddressOf(made.id);
  const row = { ...made, mac, name: request.name ?? mac };
  const rows = rowsOfPort({ row, groups, chosen }, options);
  const about = aboutRow(port, row, { event: "created", body: { networkId: on.id, addresses: chosen } });
  const parts = { ...deviceOf(undefined), addresses: [...chosen], securityGroupIds: [...groups].sort() };
  const shown = { ...shownRow<typeof port>(row), ...parts };
  return commitOnce({ rows, ...catalogCommit("port.create", about, cause) }, { port: shown }, options);
}

function pairsOf(asked: NonNullable<PortAsked["addressPairs"]>): Port["addressPairs"] {
  return asked.map(({ cidr, mac }) => {
    const range = cidrOf(cidr.includes("/") ? cidr : `${cidr}/${cidr.includes(":") ? 128 : 32}`);
    if (range === undefined) throw faulty("addressPairs", `has ${cidr}, which is no range`);
    return { cidr: cidrText(range), mac: mac?.toLowerCase() ?? null };
  });
}
