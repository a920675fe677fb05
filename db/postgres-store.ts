/**
 * The Store on PostgreSQL, over MikroORM's connections. Commits go through one writer; reads that come often
 * are prepared statements, the others go through MikroORM's entity manager, forked for each call. It holds no
 * state of its own: what it answers is what the database says.
 */
import type { MikroORM } from "@mikro-orm/postgresql";
import type {
  EventPage,
  EventQuery,
  InstanceQuery,
  InstanceRow,
  PageQuery,
  Store,
} from "../actors/runtime/ports.ts";
import type {
  ClaimRecord,
  CommitResult,
  FlavorRecord,
  HostRecord,
  ImageRecord,
  InstanceRecord,
  LoadedInstance,
  MachineRecord,
  OperationRecord,
  RequestRecord,
  Turn,
} from "../actors/runtime/records.ts";
import type { OperationState } from "../protocol/states.ts";
import { flavorOf, imageOf } from "./catalog-records.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { Database, Row } from "./database.ts";
import { FlavorEntity, ImageEntity } from "./entities/catalog.ts";
import { EventEntity } from "./entities/event.ts";
import { HostEntity } from "./entities/host.ts";
import { InstanceEntity } from "./entities/instance.ts";
import { ClaimEntity, MachineEntity } from "./entities/machine.ts";
import { OperationEntity, RequestEntity } from "./entities/operation.ts";
import { type EventRow, eventPage, eventsStatement } from "./event-reads.ts";
import * as read from "./instance-reads.ts";
import { pruneDatabase } from "./prune.ts";
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
  readonly #host: Selection<Omit<HostRecord, "lastSeenAtMs">>;
  readonly #event: Selection<EventRow>;
  readonly #columns: read.InstanceColumns;

  constructor({ orm, database, writer }: PostgresStoreParts) {
    this.#orm = orm;
    this.#database = database;
    this.#writer = writer;
    this.#instance = selectionOf(orm.em, InstanceEntity, "i");
    this.#machine = selectionOf(orm.em, MachineEntity, "m");
    this.#claim = selectionOf(orm.em, ClaimEntity, "c");
    this.#operation = selectionOf(orm.em, OperationEntity, "o");
    this.#request = selectionOf(orm.em, RequestEntity, "r");
    this.#host = selectionOf(orm.em, HostEntity, "h");
    this.#event = selectionOf(orm.em, EventEntity, "e");
    this.#columns = {
      i: this.#instance.columns,
      m: this.#machine.columns,
      c: this.#claim.columns,
      o: this.#operation.columns,
    };
  }

  async commit(turn: Turn): Promise<CommitResult> {
    return this.#writer.commit(turn);
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

  async listInstances(query: InstanceQuery): Promise<readonly InstanceRow[]> {
    const rows = await this.#database.read(read.listStatement(this.#columns, query), "list instances");
    return this.#instanceRows(rows);
  }

  async listUnsettled(query: PageQuery): Promise<readonly string[]> {
    return ids(await this.#database.read(read.unsettledStatement(query), "list unsettled instances"));
  }

  async listOnHost(hostId: string): Promise<readonly string[]> {
    return ids(await this.#database.read(read.onHostStatement(hostId), "list a host's instances"));
  }

  async getOperation(id: string): Promise<OperationRecord | undefined> {
    const text = `select ${this.#operation.columns} from operation o where id = $1`;
    const rows = await this.#database.read({ name: "operation", text, values: [id] }, "read an operation");
    return readAll(this.#operation, rows)[0];
  }

  async listOperations(
    query: PageQuery & { project?: string; instanceId?: string; state?: OperationState },
  ): Promise<readonly OperationRecord[]> {
    const rows = await this.#database.read(read.operationsStatement(this.#columns, query), "list operations");
    return readAll(this.#operation, rows);
  }

  async getRequest(project: string, requestId: string): Promise<RequestRecord | undefined> {
    const text = `select ${this.#request.columns} from request r where project = $1 and request_id = $2`;
    const values = [project, requestId];
    const rows = await this.#database.read({ name: "request", text, values }, "read a request");
    return readAll(this.#request, rows)[0];
  }

  async listEvents(query: EventQuery): Promise<EventPage> {
    const rows = await this.#database.read(eventsStatement(this.#event.columns, query), "list events");
    return eventPage(this.#event, rows, query);
  }

  async lastSequence(): Promise<number> {
    const text = "select last_sequence from event_head";
    const [row] = await this.#database.read(
      { name: "last_sequence", text },
      "read the newest event's number",
    );
    return Number(row?.[0]);
  }

  async getFlavor(key: string): Promise<FlavorRecord | undefined> {
    const found = await this.#database.patiently("read a flavor", () =>
      this.#orm.em.fork().find(FlavorEntity, { $or: [{ id: key }, { name: key }] }),
    );
    return preferred(found.map(flavorOf), key);
  }

  async listFlavors({ marker = "", limit }: PageQuery): Promise<readonly FlavorRecord[]> {
    const found = await this.#database.patiently("list flavors", () =>
      this.#orm.em.fork().find(FlavorEntity, { id: { $gt: marker } }, { orderBy: { id: "asc" }, limit }),
    );
    return found.map(flavorOf);
  }

  async getImage(key: string): Promise<ImageRecord | undefined> {
    const found = await this.#database.patiently("read an image", () =>
      this.#orm.em.fork().find(ImageEntity, { $or: [{ id: key }, { name: key }] }),
    );
    return preferred(found.map(imageOf), key);
  }

  async listImages({ marker = "", limit }: PageQuery): Promise<readonly ImageRecord[]> {
    const found = await this.#database.patiently("list images", () =>
      this.#orm.em.fork().find(ImageEntity, { id: { $gt: marker } }, { orderBy: { id: "asc" }, limit }),
    );
    return found.map(imageOf);
  }

  async getHost(key: string): Promise<HostRecord | undefined> {
    const rows = await this.#hosts("where h.id = $1 or h.name = $1 order by h.id = $1 desc, h.id limit 1", [
      key,
    ]);
    return rows[0];
  }

  async listHosts({ marker = "", limit }: PageQuery): Promise<readonly HostRecord[]> {
    return this.#hosts("where h.id > $1 order by h.id limit $2", [marker, limit]);
  }

  async touchHosts(hostIds: readonly string[], atMs: number): Promise<readonly string[]> {
    // A row that somebody else is writing is being touched anyway: passing it by, nobody ever waits for
    // anybody.
    const text = `with free as (
        select host_id from host_seen where host_id = any ($1) and last_seen_at_ms < $2 for update skip locked
      ), touched as (
        update host_seen set last_seen_at_ms = $2 where host_id in (select host_id from free)
      ) select host_id from host_seen where host_id = any ($1) order by host_id`;
    return ids(await this.#database.read({ name: "touch", text, values: [hostIds, atMs] }, "touch hosts"));
  }

  async claimTotals(): ReturnType<Store["claimTotals"]> {
    const text = `select host_id, sum(vcpus)::bigint, sum(memory_mib)::bigint, sum(disk_gib)::bigint, count(*)
      from claim group by host_id order by host_id`;
    const rows = await this.#database.read({ name: "claim_totals", text }, "sum the claims");
    return rows.map(([hostId, vcpus, memoryMib, diskGib, instances]) => ({
      hostId: String(hostId),
      vcpus: Number(vcpus),
      memoryMib: Number(memoryMib),
      diskGib: Number(diskGib),
      instances: Number(instances),
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

  #instanceRows(rows: readonly Row[]): InstanceRow[] {
    return rows.flatMap((row) => {
      const instance = this.#instance.read(row);
      const machine = this.#machine.read(row, this.#instance.width);
      return instance === undefined ? [] : [{ instance, machine }];
    });
  }

  async #hosts(clause: string, values: readonly unknown[]): Promise<HostRecord[]> {
    const text = `select ${this.#host.columns}, s.last_seen_at_ms from host h
      join host_seen s on s.host_id = h.id ${clause}`;
    const rows = await this.#database.read({ name: `hosts_${values.length}`, text, values }, "read hosts");
    return rows.flatMap((row) => {
      const host = this.#host.read(row);
      return host === undefined ? [] : [{ ...host, lastSeenAtMs: Number(row[this.#host.width]) }];
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

function preferred<R extends { readonly id: string }>(found: readonly R[], key: string): R | undefined {
  return found.find(({ id }) => id === key) ?? found[0];
}
