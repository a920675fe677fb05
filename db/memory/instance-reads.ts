/** Reads instances, machines and claims from memory. It changes nothing. */
import type {
  InstanceQuery,
  InstanceReads,
  InstanceRow,
  ReportedMachine,
  Whereabouts,
} from "../../actors/ports/instance-reads.ts";
import type { Page, PageQuery } from "../../actors/ports/pages.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import type { InstanceRecord, LoadedInstance, MachineKey } from "../../actors/records/instance.ts";
import type { Table } from "../rows/table.ts";
import { machineKey, type Tables } from "../rows/tables.ts";
import { pageOfInstances } from "./lists.ts";
import { page } from "./page.ts";

export class MemoryInstanceReads implements InstanceReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async load(id: string): Promise<LoadedInstance | undefined> {
    const instance = this.#tables.instances.get(id);
    if (instance === undefined) return undefined;
    const { operations, machines, claims } = this.#tables;
    const operation = operations.get(instance.operationId ?? "");
    const guestData = this.#tables.guestData.get(id);
    const rows = { machines: ofInstance(machines, id), claims: ofInstance(claims, id), operation };
    return { instance, ...rows, ...(guestData && { guestData }) };
  }

  async get(id: string): Promise<InstanceRow | undefined> {
    const instance = this.#tables.instances.get(id);
    return instance && this.#rowOf(instance);
  }

  async list(query: InstanceQuery): Promise<Page<InstanceRow>> {
    const { rows, ...rest } = pageOfInstances(this.#tables.instances, query);
    return { ...rest, rows: rows.map((instance) => this.#rowOf(instance)) };
  }

  async unsettled(query: PageQuery): Promise<readonly string[]> {
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

  async onHost(hostId: string): Promise<readonly string[]> {
    const rows = [...this.#tables.claims.values(), ...this.#tables.machines.values()];
    const ids = rows.filter((row) => row.hostId === hostId).map(({ instanceId }) => instanceId);
    return [...new Set(ids)].sort();
  }

  async reported(keys: readonly MachineKey[]): Promise<readonly ReportedMachine[]> {
    const { instances, claims, machines } = this.#tables;
    const asked = new Map(keys.map((key) => [machineKey(key), key]));
    return [...asked].flatMap(([key, { instanceId, ownerEpoch }]) => {
      if (instances.get(instanceId) === undefined) return [];
      const machine = machines.get(key);
      const { hostId = "", generation = 0, state } = machine ?? {};
      const seen = state === undefined ? null : { hostId, generation, state };
      return [{ instanceId, ownerEpoch, claimedBy: claims.get(key)?.hostId ?? null, seen }];
    });
  }

  async toRecover(atOnceMax: number): Promise<readonly string[]> {
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

  #rowOf(instance: InstanceRecord): InstanceRow {
    const key = machineKey({ instanceId: instance.id, ownerEpoch: instance.ownerEpoch });
    return { instance, machine: this.#tables.machines.get(key) };
  }
}

const isOver = (lease: HostRecord["lease"], leaseEpoch: number): boolean =>
  lease !== null && lease.fencedBy !== null && leaseEpoch > 0 && leaseEpoch <= lease.leaseEpoch;

function ofInstance<V extends { readonly instanceId: string }>(table: Table<V>, id: string): V[] {
  const rows: V[] = [];
  for (const row of table.after(`${id} `)) {
    if (row.instanceId !== id) break;
    rows.push(row);
  }
  return rows;
}
