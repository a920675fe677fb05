/**
 * Applies one commit to the tables in memory, with the same outcomes in the same order as the function
 * `novact_commit_one` of PostgreSQL (db/sql/commit-commit.sql). The rules stand beside their SQL in db/rules.
 * Two live specs hold the stores against each other: spec/live/store-comparison.spec.ts, one commit after the
 * other, and spec/live/store-writers.spec.ts, several writers at once.
 */
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import { frozenCopy, undo } from "../rows/table.ts";
import { machineKey, type Refusal, requestKey, type Tables, type Work } from "../rows/tables.ts";
import { applyBuilds } from "../rules/breaker/memory.ts";
import { applyClaims, applyReleases } from "../rules/capacity/memory.ts";
import { assertCommit, defectError, instanceRegression, replacesObservation } from "../rules/commit-rules.ts";
import { applyGroups } from "../rules/group/memory.ts";
import { applyExpected } from "../rules/host/memory.ts";
import { unusableImage } from "../rules/image/memory.ts";
import { applyLeases } from "../rules/lease/memory.ts";
import { applyUse } from "../rules/quota/memory.ts";
import { unflavored, unheldBy } from "../rules/reference/memory.ts";
import { applyRemovals } from "../rules/removal/memory.ts";
import { applyStorage } from "../rules/storage/memory.ts";
import { judgeZonedClaims, judgeZones, zonesBefore } from "../rules/zone/memory.ts";
import { applyEnabled, applyInventories } from "./apply-hosts.ts";
import { applyPlacement } from "./apply-placement.ts";
import { applyRows } from "./apply-rows.ts";

const steps: readonly ((work: Work) => Refusal | undefined)[] = [
  applyRequest,
  applyUse,
  applyInstances,
  applyRows,
  applyExpected,
  applyInventories,
  applyEnabled,
  applyBuilds,
  applyPlacement,
  judgeZones,
  applyLeases,
  applyRemovals,
  judgeZonedClaims,
  applyReleases,
  applyClaims,
  applyGroups,
  applyMachines,
  applyOperations,
];

/** All of the commit happens, or none of it. @throws INTERNAL for what only a bug can ask */
export function applyCommit(tables: Tables, commit: Commit, nowMs: number): CommitResult {
  const refusal = applySteps(workOf(tables, commit, nowMs));
  if (refusal !== undefined) return refusal;
  for (const event of commit.events ?? [])
    tables.events.push(frozenCopy({ ...event, sequence: tables.lastSequence + 1 }));
  return { kind: "committed", lastSequence: commit.events?.length ? tables.lastSequence : 0 };
}

/** What `applyCommit` would answer; all of it is taken back. @throws as applyCommit */
export function rehearseCommit(tables: Tables, commit: Commit, nowMs: number): Rehearsed {
  const work = workOf(tables, commit, nowMs);
  const refusal = applySteps(work);
  if (refusal !== undefined) return refusal;
  undo(work.journal);
  return { kind: "possible" };
}

const workOf = (tables: Tables, commit: Commit, nowMs: number): Work => ({
  ...{ tables, commit, journal: [], nowMs },
  zones: zonesBefore({ tables, commit }),
});

/** Applies every step of the commit, or none. @throws INTERNAL for what only a bug can ask */
function applySteps(work: Work): Refusal | undefined {
  assertCommit(work.commit);
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
  return undefined;
}

function applyRequest({ tables, commit, journal }: Work): Refusal | undefined {
  const { request } = commit;
  if (request === undefined) return undefined;
  const key = requestKey(request.project, request.requestId);
  const known = tables.requests.get(key);
  if (known !== undefined) return { kind: "duplicate", request: known };
  tables.requests.put(key, { ...request, answer: request.answer ?? null }, journal);
  return undefined;
}

/** New instances first, then changed ones, as in db/sql/commit-instances.sql. */
function applyInstances({ tables, commit, journal }: Work): Refusal | undefined {
  const all = commit.instances ?? [];
  for (const list of [all.filter(isMade), all.filter((one) => !isMade(one))]) {
    const sound = list.filter(
      ({ expectedVersion, row: { id } }) => versionOf(tables, id) === expectedVersion,
    );
    for (const { row } of sound) {
      const before = tables.instances.get(row.id);
      refuse(before && instanceRegression(before, row));
    }
    const refusal = unheldBy(tables, sound) ?? unstored({ tables, journal }, sound);
    if (refusal !== undefined) return refusal;
    if (sound.length < list.length) return { kind: "conflict" };
    for (const { row, guestData } of list) {
      tables.instances.put(row.id, row, journal);
      if (guestData !== undefined) tables.guestData.put(row.id, guestData, journal);
      if (row.deletedAtMs !== null) tables.guestData.delete(row.id, journal);
    }
    const made = list.filter(isMade);
    const lost = unflavored(tables, made) ?? unusableImage(tables, made);
    if (lost !== undefined) return lost;
  }
  return undefined;
}

/** Takes and gives back room on storages; the refusal of the first row that has none. */
function unstored(place: Pick<Work, "tables" | "journal">, sound: readonly Written[]): Refusal | undefined {
  for (const { row } of sound) {
    const refusal = applyStorage(place, place.tables.instances.get(row.id), row);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

type Written = NonNullable<Commit["instances"]>[number];
const isMade = ({ expectedVersion }: Written): boolean => expectedVersion === 0;
const versionOf = ({ instances }: Tables, id: string): number => instances.get(id)?.version ?? 0;

function applyMachines({ tables, commit, journal }: Work): undefined {
  for (const key of commit.machinesGone ?? []) tables.machines.delete(machineKey(key), journal);
  for (const machine of commit.machines ?? []) {
    const before = tables.machines.get(machineKey(machine));
    if (replacesObservation(before, machine)) tables.machines.put(machineKey(machine), machine, journal);
  }
}

/** Whoever ends an operation first has ended it: two that look in one moment do not both tell so. */
function applyOperations({ tables, commit, journal }: Work): Refusal | undefined {
  for (const operation of commit.operations ?? []) {
    const before = tables.operations.get(operation.id);
    if (before !== undefined && before.state !== "running") return { kind: "conflict" };
    const number = before?.number ?? tables.nextNumber("operation");
    tables.operations.put(operation.id, { ...operation, number }, journal);
  }
  return undefined;
}

function refuse(defect: string | undefined): void {
  if (defect !== undefined) throw defectError(defect);
}
