/** Reads instances, machines and claims from PostgreSQL. It changes nothing. */
import type { EntityManager } from "@mikro-orm/postgresql";
import type {
  InstanceQuery,
  InstanceReads,
  InstanceRow,
  ReportedMachine,
  Whereabouts,
} from "../../actors/ports/instance-reads.ts";
import type { Page, PageQuery } from "../../actors/ports/pages.ts";
import type {
  ClaimRecord,
  GuestDataRecord,
  InstanceRecord,
  LoadedInstance,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../../actors/records/instance.ts";
import { instanceWalk, pageOf } from "../rows/list-page.ts";
import { InstanceEntity } from "../tables/instance.ts";
import { ClaimEntity, MachineEntity } from "../tables/machine.ts";
import { OperationEntity } from "../tables/operation.ts";
import type { Database, Row } from "./database.ts";
import * as read from "./instance-statements.ts";
import { instancesStatement, metIn } from "./list-statements.ts";
import { readAll, type Selection, selectionOf } from "./select.ts";

export class PostgresInstanceReads implements InstanceReads {
  readonly #database: Database;
  readonly #instance: Selection<InstanceRecord>;
  readonly #machine: Selection<MachineRecord>;
  readonly #claim: Selection<ClaimRecord>;
  readonly #operation: Selection<OperationRecord>;
  readonly #columns: read.InstanceColumns;

  constructor(em: EntityManager, database: Database) {
    this.#database = database;
    this.#instance = selectionOf(em, InstanceEntity, "i", isOfRecord);
    this.#machine = selectionOf(em, MachineEntity, "m");
    this.#claim = selectionOf(em, ClaimEntity, "c");
    this.#operation = selectionOf(em, OperationEntity, "o");
    this.#columns = {
      i: this.#instance.columns,
      m: this.#machine.columns,
      c: this.#claim.columns,
      o: this.#operation.columns,
    };
  }

  async load(id: string): Promise<LoadedInstance | undefined> {
    const [row] = await this.#database.read(read.loadStatement(this.#columns, id), "load an instance");
    const instance = row && this.#instance.read(row);
    if (row === undefined || instance === undefined) return undefined;
    const [operation, machines, claims, guestData] = row.slice(this.#instance.width);
    return {
      instance,
      machines: readAll(this.#machine, nestedRows(machines)),
      claims: readAll(this.#claim, nestedRows(claims)),
      operation: Array.isArray(operation) ? this.#operation.read(operation) : undefined,
      ...(guestData === null ? {} : { guestData: guestData as GuestDataRecord }),
    };
  }

  async get(id: string): Promise<InstanceRow | undefined> {
    const rows = await this.#database.read(read.instanceStatement(this.#columns, id), "read an instance");
    return this.#rowsOf(rows)[0];
  }

  async list(query: InstanceQuery): Promise<Page<InstanceRow>> {
    const rows = await this.#database.read(instancesStatement(this.#columns, query), "list instances");
    const walk = instanceWalk(query);
    const met = metIn(rows, walk, ([id]) => String(id));
    return pageOf(this.#rowsOf(rows), ({ instance }) => instance.id, { query, walk, met });
  }

  async unsettled(query: PageQuery): Promise<readonly string[]> {
    return ids(await this.#database.read(read.unsettledStatement(query), "list unsettled instances"));
  }

  async whereabouts(instanceIds: readonly string[]): Promise<readonly Whereabouts[]> {
    const rows = await this.#database.read(read.whereaboutsStatement(instanceIds), "find instances");
    return rows.map(read.whereaboutsIn);
  }

  async onHost(hostId: string): Promise<readonly string[]> {
    return ids(await this.#database.read(read.onHostStatement(hostId), "list a host's instances"));
  }

  async reported(keys: readonly MachineKey[]): Promise<readonly ReportedMachine[]> {
    const rows = await this.#database.read(read.reportedStatement(keys), "look for what is reported");
    return rows.map(read.reportedIn);
  }

  async toRecover(atOnceMax: number): Promise<readonly string[]> {
    return ids(await this.#database.read(read.toRecoverStatement(atOnceMax), "list instances to recover"));
  }

  #rowsOf(rows: readonly Row[]): InstanceRow[] {
    return rows.flatMap((row) => {
      const instance = this.#instance.read(row);
      const machine = this.#machine.read(row, this.#instance.width);
      return instance === undefined ? [] : [{ instance, machine }];
    });
  }
}

const isOfRecord = (field: string): boolean => field !== "guestData" && !field.startsWith("live");

function ids(rows: readonly Row[]): string[] {
  return rows.map(([id]) => String(id));
}

/** Rows that came as JSON: an array of arrays, or null for none. */
function nestedRows(value: unknown): Row[] {
  return Array.isArray(value) ? value.filter((row): row is Row => Array.isArray(row)) : [];
}
