/**
 * Applies one turn to the tables in memory, with the same outcomes in the same order as the function
 * `novact_commit` of PostgreSQL (db/sql): the request first, then quotas, instances, catalog, hosts,
 * aggregates and groups, leases, removals of hosts, claims and their groups' rules, machines, operations,
 * events. The property
 * test of spec/live/store-comparison.spec.ts holds the two against each other.
 */

import type { CommitResult, Turn } from "../../actors/records/commit.ts";
import type { ClaimRecord } from "../../actors/records/instance.ts";
import { pinnedBy, useWith } from "../../protocol/numa.ts";
import {
  defectError,
  instanceRegression,
  operationRegression,
  replacesObservation,
} from "../rules/turn-rules.ts";
import { applyBuilds, applyEnabled, applyInventories, applyRemovals, overfull } from "./apply-hosts.ts";
import { applyLeases, unleased } from "./apply-leases.ts";
import { applyGroups, applyPlacement, applyUse } from "./apply-placement.ts";
import { frozenCopy, type Journal, type Table, undo } from "./table.ts";
import { machineKey, type Refusal, requestKey, type StoredHost, type Tables, type Work } from "./tables.ts";

const steps: readonly ((work: Work) => Refusal | undefined)[] = [
  applyRequest,
  applyUse,
  applyInstances,
  applyCatalogRemovals,
  applyFlavors,
  applyImages,
  applyInventories,
  applyEnabled,
  applyBuilds,
  applyPlacement,
  applyLeases,
  applyRemovals,
  applyReleases,
  applyClaims,
  applyGroups,
  applyMachines,
  applyOperations,
];

/** All of the turn happens, or none of it. @throws INTERNAL for what only a bug can ask */
export function applyTurn(tables: Tables, turn: Turn, nowMs: number): CommitResult {
  const work = { tables, turn, journal: [], nowMs };
  try {
    for (const step of steps) {
      const refusal = step(work);
      if (refusal === undefined) continue;
      undo(work.journal);
      return refusal;
    }
  } catch (defect) {
    undo(work.journal);
    throw defect;
  }
  for (const event of turn.events ?? [])
    tables.events.push(frozenCopy({ ...event, sequence: tables.lastSequence + 1 }));
  return { kind: "committed", lastSequence: turn.events?.length ? tables.lastSequence : 0 };
}

function applyRequest({ tables, turn, journal }: Work): Refusal | undefined {
  const { request } = turn;
  if (request === undefined) return undefined;
  const key = requestKey(request.project, request.requestId);
  const known = tables.requests.get(key);
  if (known !== undefined) return { kind: "duplicate", request: known };
  tables.requests.put(key, { ...request, answer: request.answer ?? null }, journal);
  return undefined;
}

/** New instances first, then changed ones, as in db/sql/commit-instances.sql. */
function applyInstances({ tables, turn, journal }: Work): Refusal | undefined {
  const all = turn.instances ?? [];
  for (const list of [all.filter(isMade), all.filter((one) => !isMade(one))]) {
    const sound = list.filter(
      ({ expectedVersion, row: { id } }) => versionOf(tables, id) === expectedVersion,
    );
    for (const { row } of sound) {
      const before = tables.instances.get(row.id);
      refuse(before && instanceRegression(before, row));
    }
    const refusal = unheldBy(tables, sound);
    if (refusal !== undefined) return refusal;
    if (sound.length < list.length) return { kind: "conflict" };
    for (const { row } of list) tables.instances.put(row.id, row, journal);
    const lost = list.filter(isMade).find(({ row }) => tables.flavors.get(row.flavor.id) === undefined);
    if (lost !== undefined) return { kind: "missing", noun: "flavor", id: lost.row.flavor.id };
  }
  return undefined;
}

type Written = NonNullable<Turn["instances"]>[number];
const isMade = ({ expectedVersion }: Written): boolean => expectedVersion === 0;
const versionOf = ({ instances }: Tables, id: string): number => instances.get(id)?.version ?? 0;

/** An instance that is not deleted holds its image and its server group; its flavor is copied into it. */
function unheldBy(tables: Tables, list: readonly Written[]): Refusal | undefined {
  const live = list.map(({ row }) => row).filter(({ deletedAtMs }) => deletedAtMs === null);
  const imageless = live.find(({ image }) => tables.images.get(image.id) === undefined);
  if (imageless !== undefined) return { kind: "missing", noun: "image", id: imageless.image.id };
  for (const { serverGroupId } of live)
    if (serverGroupId !== null && tables.serverGroups.get(serverGroupId) === undefined)
      return { kind: "missing", noun: "server-group", id: serverGroupId };
  return undefined;
}

function applyCatalogRemovals({ tables, turn, journal }: Work): Refusal | undefined {
  for (const id of turn.flavorsRemoved ?? [])
    if (!tables.flavors.delete(id, journal)) return { kind: "missing", noun: "flavor", id };
  const removed = new Set(turn.imagesRemoved);
  const used = [...tables.instances.values()].some(
    ({ image, deletedAtMs }) => deletedAtMs === null && removed.has(image.id),
  );
  if (used && removed.size > 0) return { kind: "inUse" };
  for (const id of removed)
    if (!tables.images.delete(id, journal)) return { kind: "missing", noun: "image", id };
  return undefined;
}

function applyFlavors({ tables, turn, journal }: Work): Refusal | undefined {
  return insertNamed(tables.flavors, turn.flavors, journal);
}

function applyImages({ tables, turn, journal }: Work): Refusal | undefined {
  return insertNamed(tables.images, turn.images, journal);
}

function insertNamed<R extends { readonly id: string; readonly name: string }>(
  table: Table<R>,
  rows: readonly R[] | undefined,
  journal: Journal,
): Refusal | undefined {
  for (const row of rows ?? []) {
    const taken = [...table.values()].some(({ id, name }) => id === row.id || name === row.name);
    if (taken) return { kind: "nameTaken" };
    table.put(row.id, row, journal);
  }
  return undefined;
}

function claimed(host: StoredHost, claim: ClaimRecord, times: 1 | -1): StoredHost {
  return {
    ...host,
    vcpusClaimed: host.vcpusClaimed + times * claim.vcpus,
    memoryMibClaimed: host.memoryMibClaimed + times * claim.memoryMib,
    diskGibClaimed: host.diskGibClaimed + times * claim.diskGib,
    instances: host.instances + times,
  };
}

/** What it takes of the cells; after the sums of all claims, as in PostgreSQL. */
function bound(host: StoredHost, { numa }: ClaimRecord, times: 1 | -1): StoredHost {
  if (numa === null) return host;
  return {
    ...host,
    pinnedCpus: host.pinnedCpus + times * pinnedBy(numa),
    numaClaimed: useWith(host.numaClaimed, numa, times),
  };
}

function applyReleases({ tables, turn, journal }: Work): undefined {
  for (const key of turn.claimsReleased ?? []) {
    const claim = tables.claims.get(machineKey(key));
    const host = claim && tables.hosts.get(claim.hostId);
    if (claim === undefined || host === undefined) continue;
    tables.claims.delete(machineKey(key), journal);
    tables.hosts.put(host.id, bound(claimed(host, claim, -1), claim, -1), journal);
  }
}

function applyClaims(work: Work): Refusal | undefined {
  const { tables, turn, journal } = work;
  const refused = unleased(work);
  if (refused !== undefined) return refused;
  for (const claim of turn.claims ?? []) {
    const host = tables.hosts.get(claim.hostId);
    const fuller = host && claimed(host, claim, 1);
    if (fuller === undefined || overfull(fuller)) return { kind: "hostFull", hostId: claim.hostId };
    tables.hosts.put(claim.hostId, fuller, journal);
  }
  return applyClaimRows(work);
}

function applyClaimRows({ tables, turn, journal }: Work): Refusal | undefined {
  let conflict = false;
  for (const claim of turn.claims ?? []) {
    if (tables.claims.get(machineKey(claim)) !== undefined) {
      conflict = true;
      continue;
    }
    tables.claims.put(machineKey(claim), claim, journal);
    const host = tables.hosts.get(claim.hostId);
    if (claim.numa === null || host === undefined) continue;
    const fuller = bound(host, claim, 1);
    if (overfull(fuller)) return { kind: "hostFull", hostId: claim.hostId };
    tables.hosts.put(claim.hostId, fuller, journal);
  }
  return conflict ? { kind: "conflict" } : undefined;
}

function applyMachines({ tables, turn, journal }: Work): undefined {
  for (const key of turn.machinesGone ?? []) tables.machines.delete(machineKey(key), journal);
  for (const machine of turn.machines ?? []) {
    const before = tables.machines.get(machineKey(machine));
    if (replacesObservation(before, machine)) tables.machines.put(machineKey(machine), machine, journal);
  }
}

function applyOperations({ tables, turn, journal }: Work): undefined {
  for (const operation of turn.operations ?? []) {
    const before = tables.operations.get(operation.id);
    refuse(before && operationRegression(before, operation));
    tables.operations.put(operation.id, operation, journal);
  }
}

function refuse(defect: string | undefined): void {
  if (defect !== undefined) throw defectError(defect);
}
