/**
 * N1: no address of a subnet is given twice, no MAC of a network, and no published port of the cell; no two
 * subnets of a network overlap; a port is let go of only when no host has anything of its instance, and then
 * for sure; or, while the instance goes on, when none of its hosts has that port, or ever has it again. Known
 * here from the commits themselves and from the hosts, not from what the store keeps apart.
 */
import { cidrOf, overlap } from "../../protocol/address.ts";
import type { ResourceRow } from "../../protocol/wire/resource.ts";
import type { Commit } from "../records/commit.ts";
import type { Checker, Quiet } from "./facts.ts";
import { createLedger, isCommitted, type Ledger } from "./ledger.ts";
import type { PortHeld } from "./network-facts.ts";

type Fields = Readonly<Record<string, unknown>>;
/** By id. */
type Rows = Map<string, Fields>;

export function noAddressTwice(): Checker {
  const tables: Readonly<Record<string, Rows>> = {
    ...{ address: new Map(), port: new Map(), subnet: new Map(), published_port: new Map() },
    ...{ router_interface: new Map(), floating_ip: new Map() },
  };
  const plugs: Rows = new Map();
  const ledger = createLedger();
  /** Ids of instances, by host and port. */
  const held = new Map<string, string>();
  return {
    promise: "N1",
    see(fact) {
      if (fact.kind === "quiet") return stillPlugged({ plugs, tables }, fact);
      if (fact.kind === "portHeld" || fact.kind === "portLetGo") return seen(fact, { held, plugs, ledger });
      if (!isCommitted(fact)) return [];
      const leaving = leavingIn(fact.commit, ledger);
      ledger.apply(fact.commit);
      return [...letGo(fact.commit, { held, plugs, ledger, leaving }), ...written(tables, fact.commit)];
    },
  };
}

interface Known {
  readonly held: Map<string, string>;
  readonly plugs: Rows;
  readonly ledger: Ledger;
}

const placeOf = (hostId: string, portId: string): string => `${hostId} ${portId}`;

/** A port that comes to a host of the instance after it was let go of: an old message still had it. */
function seen({ kind, hostId, portId, instanceId }: PortHeld, { held, plugs, ledger }: Known): string[] {
  const place = placeOf(hostId, portId);
  if (kind === "portLetGo") {
    held.delete(place);
    return [];
  }
  held.set(place, instanceId);
  const isOurs = plugs.get(portId)?.deviceId === instanceId;
  const isClaimed = [...ledger.claims(instanceId).values()].some((claim) => claim.hostId === hostId);
  if (isOurs || !isClaimed) return [];
  return [`Host ${hostId} has the port ${portId} for instance ${instanceId}, which has let go of it.`];
}

/** Ids of the ports that were on their way out of the instances that the commit changes. */
function leavingIn({ instances = [] }: Commit, ledger: Ledger): ReadonlySet<string> {
  const before = instances.flatMap(({ row }) => ledger.row(row.id)?.interfaces ?? []);
  return new Set(before.filter(({ change }) => change?.kind === "leaving").map(({ portId }) => portId));
}

/** Plugs that end while a host may still have the guest, or has the port, after this commit. */
function letGo(
  { rows = [] }: Commit,
  { held, plugs, ledger, leaving }: Known & { readonly leaving: ReadonlySet<string> },
): readonly string[] {
  const ofPlugs = rows.filter(({ resource }) => resource.table === "plug");
  const early = ofPlugs.flatMap((change) => {
    if (!("removed" in change)) return [];
    const instanceId = String(plugs.get(change.removed)?.deviceId);
    plugs.delete(change.removed);
    const row = ledger.row(instanceId);
    // A port on its way out is let go of by the host's word about that port, also while all of it is deleted.
    const goesOn = row !== undefined && (row.desired !== "deleted" || leaving.has(change.removed));
    return [...ledger.claims(instanceId).values()].flatMap(({ hostId }) => {
      const isThere = held.get(placeOf(hostId, change.removed)) === instanceId;
      if (goesOn && !isThere) return [];
      const what = goesOn ? "has it for" : "may have";
      return `The port ${change.removed} is let go of while host ${hostId} ${what} instance ${instanceId}.`;
    });
  });
  for (const change of ofPlugs) if ("made" in change) plugs.set(change.made.id, fieldsOf(change.made));
  return early;
}

interface Held {
  readonly plugs: Rows;
  readonly tables: Readonly<Record<string, Rows>>;
}

/** What is plugged in is there: the instance, the router's interface, or the floating address. */
function stillPlugged({ plugs, tables }: Held, { instances }: Quiet): readonly string[] {
  const live = new Set(instances.flatMap(({ id, deleted }) => (deleted ? [] : id)));
  const users = [...values(tables.router_interface), ...values(tables.floating_ip)];
  const used = new Set(users.map(({ portId }) => portId));
  return [...plugs].flatMap(([id, { device, deviceId }]) => {
    const isThere = device === "instance" ? live.has(String(deviceId)) : used.has(id);
    return isThere
      ? []
      : [`The port ${id} is held for ${String(device)} ${String(deviceId)}, which is gone.`];
  });
}

const values = (rows: Rows | undefined): readonly Fields[] => [...(rows?.values() ?? [])];

function written(tables: Readonly<Record<string, Rows>>, { rows = [] }: Commit): readonly string[] {
  const removals = rows.filter((one) => "removed" in one);
  for (const { resource, removed } of removals) {
    tables[resource.table]?.delete(removed);
    // Addresses go with their port, and published ports with the plug, which has the id of its port.
    const parts = resource.table === "plug" ? tables.published_port : tables.address;
    for (const [id, { portId }] of parts ?? []) if (portId === removed) parts?.delete(id);
  }
  return rows.flatMap((change) => {
    const table = tables[change.resource.table];
    const row = "made" in change ? change.made : "changed" in change ? change.changed : undefined;
    if (table === undefined || row === undefined) return [];
    table.set(row.id, fieldsOf(row));
    return faults(change.resource.table, row.id, table);
  });
}

const fieldsOf = (row: ResourceRow): Fields => ({ ...row });

function faults(table: string, id: string, rows: Rows): readonly string[] {
  const row = rows.get(id) ?? {};
  const others = [...rows].filter(([other]) => other !== id);
  const alike = (...fields: readonly string[]) =>
    others.flatMap(([other, its]) => (fields.every((field) => its[field] === row[field]) ? [other] : []));
  if (table === "address")
    return alike("subnetId", "name").map(
      (other) =>
        `The address ${String(row.name)} of subnet ${String(row.subnetId)} is given by ${other} and ${id}.`,
    );
  if (table === "port")
    return alike("networkId", "mac").map(
      (other) =>
        `The MAC ${String(row.mac)} of network ${String(row.networkId)} is that of ports ${other} and ${id}.`,
    );
  if (table === "published_port")
    return alike("hostPort", "protocol").map(
      (other) => `The port ${String(row.hostPort)} of hosts is published by ${other} and ${id}.`,
    );
  if (table === "router_interface" || table === "floating_ip") return [];
  return others
    .filter(([, its]) => its.networkId === row.networkId && both(its, row))
    .map(([other]) => `The subnets ${other} and ${id} of one network overlap.`);
}

function both(one: Fields, other: Fields): boolean {
  const [range, its] = [cidrOf(String(one.cidr)), cidrOf(String(other.cidr))];
  return range !== undefined && its !== undefined && overlap(range, its);
}
