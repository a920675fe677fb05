/**
 * The Store on PostgreSQL, over MikroORM's connections. Commits go through one writer; reads that come often
 * are prepared statements, the others go through MikroORM's entity manager, forked for each call. It holds no
 * state of its own: what it answers is what the database says.
 */
import type { MikroORM } from "@mikro-orm/postgresql";
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
  ClaimRecord,
  InstanceRecord,
  LoadedInstance,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../../actors/records/instance.ts";
import type { GroupHost, GroupMember, QuotaRecord, QuotaTotal } from "../../actors/records/placement.ts";
import type { NumaPlacement } from "../../protocol/numa.ts";
import type { Resource, RowOf } from "../../protocol/wire/resource.ts";
import { instanceWalk, operationWalk, pageOf } from "../rows/list-page.ts";
import { numaTotals } from "../rows/numa-totals.ts";
import { EventEntity } from "../tables/event.ts";
import { InstanceEntity } from "../tables/instance.ts";
import { ClaimEntity, MachineEntity } from "../tables/machine.ts";
import { OperationEntity, RequestEntity } from "../tables/operation.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { Database, Row } from "./database.ts";
import { type EventRow, eventPage, eventsStatement, lastBeforeStatement } from "./event-reads.ts";
import { HostFeatureReads } from "./host-features.ts";
import { HostPicture } from "./host-picture.ts";
import { HostReads } from "./host-reads.ts";
import * as read from "./instance-reads.ts";
import { instancesStatement, metIn, operationStatement, operationsStatement } from "./list-reads.ts";
import { PlacementReads } from "./placement-reads.ts";
import { pruneDatabase } from "./prune.ts";
import { RowReads } from "./row-reads.ts";
import { readAll, type Selection, selectionOf } from "./select.ts";

export interface PostgresStoreParts {
  readonly orm: MikroORM;
  readonly database: Database;
  readonly writer: CommitWriter;
}

export class PostgresStore implements Store {
  readonly #orm: MikroORM;
  readonly #database: Database;
  readonly #writer: CommitWriter;
  readonly #instance: Selection<InstanceRecord>;
  readonly #machine: Selection<MachineRecord>;
  readonly #claim: Selection<ClaimRecord>;
  readonly #operation: Selection<OperationRecord>;
  readonly #request: Selection<RequestRecord>;
  readonly #hosts: HostReads;
  readonly #picture: HostPicture;
  readonly #placement: PlacementReads;
  readonly #rows: RowReads;
  readonly #event: Selection<EventRow>;
  readonly #columns: read.InstanceColumns;

  constructor({ orm, database, writer }: PostgresStoreParts) {
    this.#orm = orm;
    this.#database = database;
    this.#writer = writer;
    this.#instance = selectionOf(orm.em, InstanceEntity, "i", (field) => !field.startsWith("live"));
    this.#machine = selectionOf(orm.em, MachineEntity, "m");
    this.#claim = selectionOf(orm.em, ClaimEntity, "c");
    this.#operation = selectionOf(orm.em, OperationEntity, "o");
    this.#request = selectionOf(orm.em, RequestEntity, "r");
    const said = new HostFeatureReads(orm.em, database);
    this.#hosts = new HostReads(orm.em, database, said);
    this.#picture = new HostPicture(orm.em, database, said);
    this.#placement = new PlacementReads(database);
    this.#rows = new RowReads(database);
    this.#event = selectionOf(orm.em, EventEntity, "e");
    this.#columns = {
      i: this.#instance.columns,
      m: this.#machine.columns,
      c: this.#claim.columns,
      o: this.#operation.columns,
    };
  }

  /** The writer of commits, for people who debug. */
  get writer(): Pick<CommitWriter, "look"> {
    return this.#writer;
  }

  async commit(commit: Commit): Promise<CommitResult> {
    return this.#writer.commit(commit);
  }

  async rehearse(commit: Commit): Promise<Rehearsed> {
    return this.#writer.rehearse(commit);
  }

  async loadInstance(id: string): Promise<LoadedInstance | undefined> {
    const [row] = await this.#database.read(read.loadStatement(this.#columns, id), "load an instance");
    const instance = row && this.#instance.read(row);
    if (row === undefined || instance === undefined) return undefined;
    const [operation, machines, claims] = row.slice(this.#instance.width);
    return {
      instance,
      machines: readAll(this.#machine, nestedRows(machines)),
      claims: readAll(this.#claim, nestedRows(claims)),
      operation: Array.isArray(operation) ? this.#operation.read(operation) : undefined,
    };
  }

  async getInstance(id: string): Promise<InstanceRow | undefined> {
    const rows = await this.#database.read(read.instanceStatement(this.#columns, id), "read an instance");
    return this.#instanceRows(rows)[0];
  }

  async listInstances(query: InstanceQuery): Promise<Page<InstanceRow>> {
    const rows = await this.#database.read(instancesStatement(this.#columns, query), "list instances");
    const walk = instanceWalk(query);
    const met = metIn(rows, walk, ([id]) => String(id));
    return pageOf(this.#instanceRows(rows), ({ instance }) => instance.id, { query, walk, met });
  }

  async listUnsettled(query: PageQuery): Promise<readonly string[]> {
    return ids(await this.#database.read(read.unsettledStatement(query), "list unsettled instances"));
  }

  async whereabouts(instanceIds: readonly string[]): Promise<readonly Whereabouts[]> {
    const rows = await this.#database.read(read.whereaboutsStatement(instanceIds), "find instances");
    return rows.map(read.whereaboutsIn);
  }

  async listOnHost(hostId: string): Promise<readonly string[]> {
    return ids(await this.#database.read(read.onHostStatement(hostId), "list a host's instances"));
  }

  async listReported(keys: readonly MachineKey[]): Promise<readonly ReportedMachine[]> {
    const rows = await this.#database.read(read.reportedStatement(keys), "look for what is reported");
    return rows.map(read.reportedIn);
  }

  async getOperation(id: string): Promise<OperationRow | undefined> {
    const rows = await this.#database.read(operationStatement(this.#columns, id), "read an operation");
    return this.#operationRows(rows)[0];
  }

  async listOperations(query: OperationQuery): Promise<Page<OperationRow>> {
    const rows = await this.#database.read(operationsStatement(this.#columns, query), "list operations");
    const walk = operationWalk(query);
    const met = metIn(rows, walk, ([id]) => String(id));
    return pageOf(this.#operationRows(rows), ({ operation }) => operation.id, { query, walk, met });
  }

  async listEndedOperations(ids: readonly string[]): Promise<readonly OperationRecord[]> {
    const text = `select ${this.#operation.columns} from operation o
      where id = any($1) and ended_at_ms is not null`;
    const statement = { name: "ended_operations", text, values: [ids] };
    return readAll(this.#operation, await this.#database.read(statement, "look for ended operations"));
  }

  async getRequest(project: string, requestId: string): Promise<RequestRecord | undefined> {
    const text = `select ${this.#request.columns} from request r where project = $1 and request_id = $2`;
    const values = [project, requestId];
    const rows = await this.#database.read({ name: "request", text, values }, "read a request");
    return readAll(this.#request, rows)[0];
  }

  async listEvents(query: EventQuery): Promise<EventPage> {
    const { after, sinceMs } = query;
    const since = sinceMs === undefined ? after : await this.#lastBefore(sinceMs);
    const asked = { ...query, after: Math.max(after, since) };
    const rows = await this.#database.read(eventsStatement(this.#event.columns, asked), "list events");
    return eventPage(this.#event, rows, asked);
  }

  async #lastBefore(sinceMs: number): Promise<number> {
    const [row] = await this.#database.read(lastBeforeStatement(sinceMs), "look for the events since a time");
    return Number(row?.[0] ?? 0);
  }

  async lastSequence(): Promise<number> {
    const text = "select last_sequence from event_head";
    const [row] = await this.#database.read(
      { name: "last_sequence", text },
      "read the newest event's number",
    );
    return Number(row?.[0]);
  }

  async rowsCalled<R extends Resource>(
    resource: R,
    key: string,
    owner?: Owner,
  ): Promise<readonly RowOf<R>[]> {
    return this.#rows.called(resource, key, owner);
  }

  async listRows<R extends Resource>(resource: R, query: RowQuery): Promise<readonly RowOf<R>[]> {
    return this.#rows.list(resource, query);
  }

  async nextNumber(resource: Resource): Promise<number> {
    return this.#rows.nextNumber(resource);
  }

  async getHost(hostId: string): Promise<HostRecord | undefined> {
    return this.#hosts.get(hostId);
  }

  async listHostsAtWork(query: PageQuery): Promise<readonly string[]> {
    return this.#hosts.atWork(query);
  }

  async hostsCalled(key: string): Promise<readonly HostRecord[]> {
    return this.#hosts.called(key);
  }

  async listHosts(query: PageQuery): Promise<readonly HostRecord[]> {
    return this.#hosts.list(query);
  }

  async allHosts(): Promise<readonly HostRecord[]> {
    return this.#picture.read();
  }

  async touchHosts(hostIds: readonly string[], atMs: number): Promise<readonly string[]> {
    return this.#hosts.touch(hostIds, atMs);
  }

  async aggregateHosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#placement.aggregateHosts(aggregateIds);
  }

  async listZones(query: Parameters<Store["listZones"]>[0]): Promise<readonly string[]> {
    return this.#placement.zones(query);
  }

  async listGroupMembers(groupId: string, limit: number): Promise<readonly GroupMember[]> {
    return this.#placement.members(groupId, limit);
  }

  async listGroupHosts(groupId: string, except?: string): Promise<readonly GroupHost[]> {
    return this.#placement.groupHosts(groupId, except);
  }

  async getQuota(project: string): Promise<QuotaRecord> {
    return this.#placement.quota(project);
  }

  async quotaTotals(): Promise<readonly QuotaTotal[]> {
    return this.#placement.quotaTotals();
  }

  async renewLeases(renewals: readonly Renewal[]): Promise<readonly string[]> {
    return this.#hosts.renew(renewals);
  }

  async listToRecover(atOnceMax: number): Promise<readonly string[]> {
    return ids(await this.#database.read(read.toRecoverStatement(atOnceMax), "list instances to recover"));
  }

  async claimTotals(): ReturnType<Store["claimTotals"]> {
    const text = `select host_id, sum(vcpus)::bigint, sum(memory_mib)::bigint, sum(disk_gib)::bigint, count(*),
        json_agg(numa) filter (where numa is not null)
      from claim group by host_id order by host_id`;
    const rows = await this.#database.read({ name: "claim_totals", text }, "sum the claims");
    return rows.map(([hostId, vcpus, memoryMib, diskGib, instances, numa]) => ({
      hostId: String(hostId),
      vcpus: Number(vcpus),
      memoryMib: Number(memoryMib),
      diskGib: Number(diskGib),
      instances: Number(instances),
      ...numaTotals((numa ?? []) as NumaPlacement[]),
    }));
  }

  async prune(nowMs: number): Promise<number> {
    return pruneDatabase(this.#database, nowMs);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    this.#database.close();
    await this.#orm.close(true);
  }

  #operationRows(rows: readonly Row[]): OperationRow[] {
    return rows.flatMap((row) => {
      const operation = this.#operation.read(row);
      const name = row[this.#operation.width];
      return operation === undefined
        ? []
        : [{ operation, instanceName: typeof name === "string" ? name : null }];
    });
  }

  #instanceRows(rows: readonly Row[]): InstanceRow[] {
    return rows.flatMap((row) => {
      const instance = this.#instance.read(row);
      const machine = this.#machine.read(row, this.#instance.width);
      return instance === undefined ? [] : [{ instance, machine }];
    });
  }
}

function ids(rows: readonly Row[]): string[] {
  return rows.map(([id]) => String(id));
}

/** Rows that came as JSON: an array of arrays, or null for none. */
function nestedRows(value: unknown): Row[] {
  return Array.isArray(value) ? value.filter((row): row is Row => Array.isArray(row)) : [];
}
