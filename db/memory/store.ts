/**
 * The Store on Maps: for tests and the simulator. Deterministic: no timer, no randomness, every call ends in
 * one microtask. It keeps the promises of the port within one process, and must pass the same contract as
 * PostgreSQL. Several controllers of a simulated cell share one of these; close() therefore changes nothing.
 */

import type { Owner, PageQuery, RowQuery } from "../../actors/ports/rows.ts";
import type {
  EventPage,
  EventQuery,
  InstanceQuery,
  InstanceRow,
  OperationQuery,
  OperationRow,
  Page,
  Renewal,
  ReportedMachine,
  Store,
  Whereabouts,
} from "../../actors/ports/store.ts";
import type { Commit, CommitResult, Rehearsed, RequestRecord } from "../../actors/records/commit.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import type {
  InstanceRecord,
  LoadedInstance,
  MachineKey,
  OperationRecord,
} from "../../actors/records/instance.ts";
import type { GroupHost, GroupMember, QuotaRecord, QuotaTotal } from "../../actors/records/placement.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import type { Resource, ResourceRow, RowOf } from "../../protocol/wire/resource.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import { readLimits } from "../rows/limits.ts";
import { numaTotals } from "../rows/numa-totals.ts";
import type { Table } from "../rows/table.ts";
import { machineKey, requestKey, type StoredHost, Tables } from "../rows/tables.ts";
import { membersOf, placesOf } from "../rules/group/memory.ts";
import { hostsAtWork } from "../rules/host/memory.ts";
import { quotaOf, quotaTotalsOf } from "../rules/quota/memory.ts";
import { applyCommit, rehearseCommit } from "./apply.ts";
import { pageOfEvents, pageOfInstances, pageOfOperations } from "./lists.ts";
import { pruneTables } from "./prune.ts";
import { onePerHost } from "./renewals.ts";

export class MemoryStore implements Store {
  readonly #tables = new Tables();
  readonly #clock: Pick<Clock, "nowMs">;

  /** The clock dates the registration of hosts, nothing else. */
  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  async commit(commit: Commit): Promise<CommitResult> {
    return applyCommit(this.#tables, commit, this.#clock.nowMs());
  }

  async rehearse(commit: Commit): Promise<Rehearsed> {
    return rehearseCommit(this.#tables, commit, this.#clock.nowMs());
  }

  async loadInstance(id: string): Promise<LoadedInstance | undefined> {
    const instance = this.#tables.instances.get(id);
    if (instance === undefined) return undefined;
    const { operations, machines, claims } = this.#tables;
    const operation = operations.get(instance.operationId ?? "");
    return { instance, machines: ofInstance(machines, id), claims: ofInstance(claims, id), operation };
  }

  async getInstance(id: string): Promise<InstanceRow | undefined> {
    const instance = this.#tables.instances.get(id);
    return instance && this.#rowOf(instance);
  }

  async listInstances(query: InstanceQuery): Promise<Page<InstanceRow>> {
    const { rows, ...rest } = pageOfInstances(this.#tables.instances, query);
    return { ...rest, rows: rows.map((instance) => this.#rowOf(instance)) };
  }

  async listUnsettled(query: PageQuery): Promise<readonly string[]> {
    const { instances } = this.#tables;
    return page(instances, query, (row) => !row.settled || row.operationId !== null).map(({ id }) => id);
  }

  async whereabouts(ids: readonly string[]): Promise<readonly Whereabouts[]> {
    return [...new Set(ids)].sort().flatMap((instanceId) => {
      const row = this.#tables.instances.get(instanceId);
      if (row === undefined || row.deletedAtMs !== null) return [];
      return [{ instanceId, hostId: row.hostId, desired: row.desired }];
    });
  }

  async listOnHost(hostId: string): Promise<readonly string[]> {
    const rows = [...this.#tables.claims.values(), ...this.#tables.machines.values()];
    const ids = rows.filter((row) => row.hostId === hostId).map(({ instanceId }) => instanceId);
    return [...new Set(ids)].sort();
  }

  async listReported(keys: readonly MachineKey[]): Promise<readonly ReportedMachine[]> {
    const { instances, claims, machines } = this.#tables;
    const asked = new Map(keys.map((key) => [machineKey(key), key]));
    return [...asked].flatMap(([key, { instanceId, ownerEpoch }]) => {
      if (instances.get(instanceId) === undefined) return [];
      const { generation, state } = machines.get(key) ?? {};
      const seen = generation === undefined || state === undefined ? null : { generation, state };
      return [{ instanceId, ownerEpoch, claimedBy: claims.get(key)?.hostId ?? null, seen }];
    });
  }

  async getOperation(id: string): Promise<OperationRow | undefined> {
    const operation = this.#tables.operations.get(id);
    return operation && this.#operationRow(operation);
  }

  async listOperations(query: OperationQuery): Promise<Page<OperationRow>> {
    const { rows, ...rest } = pageOfOperations(this.#tables.operations, query);
    return { ...rest, rows: rows.map((operation) => this.#operationRow(operation)) };
  }

  async listEndedOperations(ids: readonly string[]): Promise<readonly OperationRecord[]> {
    const found = ids.flatMap((id) => this.#tables.operations.get(id) ?? []);
    return found.filter(({ endedAtMs }) => endedAtMs !== null);
  }

  async getRequest(project: string, requestId: string): Promise<RequestRecord | undefined> {
    return this.#tables.requests.get(requestKey(project, requestId));
  }

  async listEvents(query: EventQuery): Promise<EventPage> {
    return pageOfEvents(this.#tables, query);
  }

  async lastSequence(): Promise<number> {
    return this.#tables.lastSequence;
  }

  async rowsCalled<R extends Resource>(
    resource: R,
    key: string,
    { project, user }: Owner = {},
  ): Promise<readonly RowOf<R>[]> {
    const rows = this.#tables.rowsOf(resource);
    const own = (row: ResourceRow) =>
      (project ?? row.project) === row.project && (user ?? row.user) === row.user;
    const byId = rows.get(key);
    const query = { limit: readLimits.rowsOfOneNameMax };
    const found = byId && own(byId) ? [byId] : page(rows, query, (row) => own(row) && row.name === key);
    return found;
  }

  async listRows<R extends Resource>(resource: R, query: RowQuery): Promise<readonly RowOf<R>[]> {
    const { project, user, name } = query;
    return page(
      this.#tables.rowsOf(resource),
      query,
      (row) =>
        (project ?? row.project) === row.project &&
        (user ?? row.user) === row.user &&
        (name ?? row.name) === row.name,
    );
  }

  async nextNumber({ table }: Resource): Promise<number> {
    const number = (this.#tables.numbers.get(table) ?? 0) + 1;
    this.#tables.numbers.set(table, number);
    return number;
  }

  async getHost(hostId: string): Promise<HostRecord | undefined> {
    const host = this.#tables.hosts.get(hostId);
    return host && this.#hostsWith([host])[0];
  }

  async listHostsAtWork(query: PageQuery): Promise<readonly string[]> {
    return hostsAtWork(this.#tables, query);
  }

  async hostsCalled(key: string): Promise<readonly HostRecord[]> {
    const host = this.#tables.hosts.get(key);
    const query = { limit: readLimits.hostsOfOneNameMax };
    return this.#hostsWith(host ? [host] : page(this.#tables.hosts, query, ({ name }) => name === key));
  }

  async listHosts(query: PageQuery): Promise<readonly HostRecord[]> {
    return this.#hostsWith(page(this.#tables.hosts, query));
  }

  async allHosts(): Promise<readonly HostRecord[]> {
    return this.listHosts({ limit: Number.POSITIVE_INFINITY });
  }

  async aggregateHosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const wanted = new Set(aggregateIds);
    const joined = [...this.#tables.aggregateHosts.values()].filter((one) => wanted.has(one.aggregateId));
    const byAggregate = Map.groupBy(joined, ({ aggregateId }) => aggregateId);
    return new Map([...byAggregate].map(([id, hosts]) => [id, hosts.map(({ hostId }) => hostId)]));
  }

  async listZones({ name, limit }: Parameters<Store["listZones"]>[0]): Promise<readonly string[]> {
    const aggregates = [...this.#tables.rowsOf(aggregate).values()];
    const zones = new Set(aggregates.flatMap(({ availabilityZone }) => availabilityZone ?? []));
    return [...zones]
      .filter((zone) => (name ?? zone) === zone)
      .sort()
      .slice(0, limit);
  }

  async listGroupMembers(groupId: string, limit: number): Promise<readonly GroupMember[]> {
    const members = membersOf(this.#tables, groupId).slice(0, limit);
    return members.map(({ id, hostId }) => ({ instanceId: id, hostId }));
  }

  async listGroupHosts(groupId: string, except?: string): Promise<readonly GroupHost[]> {
    const members = new Map<string, number>();
    for (const { hostId } of placesOf(this.#tables, groupId, except))
      members.set(hostId, (members.get(hostId) ?? 0) + 1);
    const hostIds = [...members.keys()].sort();
    return hostIds.map((hostId) => ({ hostId, members: members.get(hostId) ?? 0 }));
  }

  async getQuota(project: string): Promise<QuotaRecord> {
    return quotaOf(this.#tables, project);
  }

  async quotaTotals(): Promise<readonly QuotaTotal[]> {
    return quotaTotalsOf(this.#tables);
  }

  async touchHosts(hostIds: readonly string[], atMs: number): Promise<readonly string[]> {
    const { hosts } = this.#tables;
    const known = [...new Set(hostIds)].filter((id) => hosts.get(id) !== undefined).sort();
    for (const id of known) {
      const host = hosts.get(id);
      if (host !== undefined && host.lastSeenAtMs < atMs) hosts.put(id, { ...host, lastSeenAtMs: atMs }, []);
    }
    return known;
  }

  async renewLeases(renewals: readonly Renewal[]): Promise<readonly string[]> {
    const { hosts } = this.#tables;
    return onePerHost(renewals).flatMap(({ hostId, leaseEpoch, storageId }) => {
      const host = hosts.get(hostId);
      if (host?.lease?.leaseEpoch !== leaseEpoch || host.lease.fencedBy !== null) return [];
      const before = host.lease.storage?.id === storageId ? host.lease.storage.renewals : 0;
      const storage = storageId === null ? null : { id: storageId, renewals: before + 1 };
      const lease = { ...host.lease, renewals: host.lease.renewals + 1, storage };
      hosts.put(hostId, { ...host, lease }, []);
      return [hostId];
    });
  }

  async listToRecover(atOnceMax: number): Promise<readonly string[]> {
    const { instances, operations, hosts, claims } = this.#tables;
    const underWay = [...operations.values()].filter(
      ({ kind, state }) => kind === "recover" && state === "running",
    ).length;
    const lost = new Set(
      [...claims.values()]
        .filter(({ hostId, leaseEpoch }) => isOver(hosts.get(hostId)?.lease ?? null, leaseEpoch))
        .map(({ instanceId }) => instanceId),
    );
    const stranded = [...instances.values()].filter(
      (row) => row.movable && row.desired !== "deleted" && lost.has(row.id),
    );
    return stranded
      .sort((a, b) => b.recovery.priority - a.recovery.priority || (a.id < b.id ? -1 : 1))
      .slice(0, Math.max(0, atOnceMax - underWay))
      .map(({ id }) => id);
  }

  async claimTotals(): ReturnType<Store["claimTotals"]> {
    const byHost = Map.groupBy(this.#tables.claims.values(), ({ hostId }) => hostId);
    const totals = [...byHost].map(([hostId, claims]) => {
      const sum = (unit: "vcpus" | "memoryMib" | "diskGib") =>
        claims.reduce((all, claim) => all + claim[unit], 0);
      return {
        hostId,
        vcpus: sum("vcpus"),
        memoryMib: sum("memoryMib"),
        diskGib: sum("diskGib"),
        instances: claims.length,
        ...numaTotals(claims.flatMap(({ numa }) => numa ?? [])),
      };
    });
    return totals.sort((a, b) => (a.hostId < b.hostId ? -1 : 1));
  }

  async prune(nowMs: number): Promise<number> {
    return pruneTables(this.#tables, nowMs);
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  #hostsWith(hosts: readonly StoredHost[]): HostRecord[] {
    const builds = new Map<string, number>();
    for (const { hostId, state, settled, operationId } of this.#tables.instances.values())
      if (hostId !== null && state === "building" && (!settled || operationId !== null))
        builds.set(hostId, (builds.get(hostId) ?? 0) + 1);
    const joined = [...this.#tables.aggregateHosts.values()];
    return hosts.map((host) => {
      const aggregates = joined
        .filter(({ hostId }) => hostId === host.id)
        .flatMap(({ aggregateId }) => this.#tables.rowsOf(aggregate).get(aggregateId) ?? [])
        .map(({ id, name, availabilityZone, metadata }) => ({ id, name, availabilityZone, metadata }));
      return { ...host, ioOps: builds.get(host.id) ?? 0, aggregates };
    });
  }

  #operationRow(operation: OperationRecord): OperationRow {
    const instance = this.#tables.instances.get(operation.entityId);
    return { operation, instanceName: instance?.name ?? null };
  }

  #rowOf(instance: InstanceRecord): InstanceRow {
    const key = machineKey({ instanceId: instance.id, ownerEpoch: instance.ownerEpoch });
    return { instance, machine: this.#tables.machines.get(key) };
  }
}

const isOver = (lease: HostRecord["lease"], leaseEpoch: number): boolean =>
  lease !== null && lease.fencedBy !== null && leaseEpoch > 0 && leaseEpoch <= lease.leaseEpoch;

function page<V>(table: Table<V>, query: PageQuery, wanted: (row: V) => boolean = () => true): V[] {
  const rows: V[] = [];
  for (const row of table.after(query.marker)) {
    if (rows.length >= query.limit) break;
    if (wanted(row)) rows.push(row);
  }
  return rows;
}

function ofInstance<V extends { readonly instanceId: string }>(table: Table<V>, id: string): V[] {
  const rows: V[] = [];
  for (const row of table.after(`${id} `)) {
    if (row.instanceId !== id) break;
    rows.push(row);
  }
  return rows;
}
