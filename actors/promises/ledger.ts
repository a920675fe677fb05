/**
 * The sum of the commits so far: the newest row of each instance, its machines, its claims. A checker
 * compares a commit with it, and then applies the commit to it. Applying costs time in proportion to the
 * commit's rows.
 */

import type { Commit } from "../records/commit.ts";
import type { ClaimRecord, InstanceRecord, MachineKey, MachineRecord } from "../records/instance.ts";
import type { Committed, Fact } from "./facts.ts";

/** Values by owner epoch. */
export type Epochs<V> = ReadonlyMap<number, V>;

export interface Ledger {
  row(id: string): InstanceRecord | undefined;
  machines(id: string): Epochs<MachineRecord>;
  claims(id: string): Epochs<ClaimRecord>;
  apply(commit: Commit): void;
}

const none: ReadonlyMap<number, never> = new Map<number, never>();

export function createLedger(): Ledger {
  const rows = new Map<string, InstanceRecord>();
  const machines = new Map<string, Map<number, MachineRecord>>();
  const claims = new Map<string, Map<number, ClaimRecord>>();
  return {
    row: (id) => rows.get(id),
    machines: (id) => machines.get(id) ?? none,
    claims: (id) => claims.get(id) ?? none,
    apply(commit) {
      for (const { row } of commit.instances ?? []) rows.set(row.id, row);
      for (const { hostId } of commit.hostsRemoved ?? []) {
        removeHost(claims, hostId);
        removeHost(machines, hostId);
      }
      for (const key of commit.claimsReleased ?? []) remove(claims, key);
      for (const claim of commit.claims ?? []) put(claims, claim);
      for (const key of commit.machinesGone ?? []) remove(machines, key);
      for (const machine of commit.machines ?? []) {
        const known = machines.get(machine.instanceId)?.get(machine.ownerEpoch);
        if (known === undefined || known.generation < machine.generation) put(machines, machine);
      }
    },
  };
}

function put<V extends MachineKey>(table: Map<string, Map<number, V>>, value: V): void {
  const ofInstance = table.get(value.instanceId) ?? new Map<number, V>();
  table.set(value.instanceId, ofInstance.set(value.ownerEpoch, value));
}

function remove(table: Map<string, Map<number, unknown>>, { instanceId, ownerEpoch }: MachineKey): void {
  const ofInstance = table.get(instanceId);
  ofInstance?.delete(ownerEpoch);
  if (ofInstance?.size === 0) table.delete(instanceId);
}

function removeHost<V extends MachineKey & { readonly hostId: string }>(
  table: Map<string, Map<number, V>>,
  hostId: string,
): void {
  for (const ofInstance of [...table.values()])
    for (const value of [...ofInstance.values()]) if (value.hostId === hostId) remove(table, value);
}

/** True for a commit that the store applied; a refused one changes nothing. */
export function isCommitted(fact: Fact): fact is Committed & { result: { kind: "committed" } } {
  return fact.kind === "committed" && fact.result.kind === "committed";
}
