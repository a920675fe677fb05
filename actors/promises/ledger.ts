/**
 * The sum of the commits so far: the newest row of each instance, its machines, its claims. A checker
 * compares a commit with it, and then applies the commit to it. Applying costs time in proportion to the
 * commit's rows.
 */

import type { Turn } from "../records/commit.ts";
import type { ClaimRecord, InstanceRecord, MachineKey, MachineRecord } from "../records/instance.ts";
import type { Committed, Fact } from "./facts.ts";

/** Values by owner epoch. */
export type Epochs<V> = ReadonlyMap<number, V>;

export interface Ledger {
  row(id: string): InstanceRecord | undefined;
  machines(id: string): Epochs<MachineRecord>;
  claims(id: string): Epochs<ClaimRecord>;
  apply(turn: Turn): void;
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
    apply(turn) {
      for (const { row } of turn.instances ?? []) rows.set(row.id, row);
      for (const { hostId } of turn.hostsRemoved ?? []) {
        removeHost(claims, hostId);
        removeHost(machines, hostId);
      }
      for (const key of turn.claimsReleased ?? []) remove(claims, key);
      for (const claim of turn.claims ?? []) put(claims, claim);
      for (const key of turn.machinesGone ?? []) remove(machines, key);
      for (const machine of turn.machines ?? []) {
        const known = machines.get(machine.instanceId)?.get(machine.epoch);
        if (known === undefined || known.generation < machine.generation) put(machines, machine);
      }
    },
  };
}

function put<V extends MachineKey>(table: Map<string, Map<number, V>>, value: V): void {
  const ofInstance = table.get(value.instanceId) ?? new Map<number, V>();
  table.set(value.instanceId, ofInstance.set(value.epoch, value));
}

function remove(table: Map<string, Map<number, unknown>>, { instanceId, epoch }: MachineKey): void {
  const ofInstance = table.get(instanceId);
  ofInstance?.delete(epoch);
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
