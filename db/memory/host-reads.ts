/** Reads hosts from memory, with what is counted and joined in that moment. It changes nothing. */
import type { ClaimTotal, HostReads, StorageTotal } from "../../actors/ports/host-reads.ts";
import type { PageQuery } from "../../actors/ports/pages.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import { readLimits } from "../rows/limits.ts";
import { numaTotals } from "../rows/numa-totals.ts";
import type { StoredHost, Tables } from "../rows/tables.ts";
import { hostsAtWork } from "../rules/host/memory.ts";
import { hostsOfVolumes, volumesOn } from "../rules/volume/memory.ts";
import { page } from "./page.ts";

export class MemoryHostReads implements HostReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async get(hostId: string): Promise<HostRecord | undefined> {
    const host = this.#tables.hosts.get(hostId);
    return host && this.#whole([host])[0];
  }

  async atWork(query: PageQuery): Promise<readonly string[]> {
    return hostsAtWork(this.#tables, query);
  }

  async called(key: string): Promise<readonly HostRecord[]> {
    const host = this.#tables.hosts.get(key);
    const query = { limit: readLimits.hostsOfOneNameMax };
    return this.#whole(host ? [host] : page(this.#tables.hosts, query, ({ name }) => name === key));
  }

  async list(query: PageQuery): Promise<readonly HostRecord[]> {
    return this.#whole(page(this.#tables.hosts, query));
  }

  async all(): Promise<readonly HostRecord[]> {
    return this.list({ limit: Number.POSITIVE_INFINITY });
  }

  async claimTotals(): Promise<readonly ClaimTotal[]> {
    const byHost = Map.groupBy(this.#tables.claims.values(), ({ hostId }) => hostId);
    const ids = new Set([...byHost.keys(), ...hostsOfVolumes(this.#tables)]);
    const totals = [...ids].map((hostId) => {
      const claims = byHost.get(hostId) ?? [];
      const sum = (unit: "vcpus" | "memoryMib" | "diskGib") =>
        claims.reduce((all, claim) => all + claim[unit], 0);
      return {
        hostId,
        vcpus: sum("vcpus"),
        memoryMib: sum("memoryMib"),
        diskGib: sum("diskGib"),
        instances: claims.length,
        volumeGib: volumesOn(this.#tables, "hostId", hostId),
        ...numaTotals(claims.flatMap(({ numa }) => numa ?? [])),
      };
    });
    return totals.sort((a, b) => (a.hostId < b.hostId ? -1 : 1));
  }

  async storageTotals(): Promise<readonly StorageTotal[]> {
    const disks = [...this.#tables.instances.values()];
    const totals = [...this.#tables.storages.values()].map(({ id, ...storage }) => {
      const its = disks.filter(({ storageId }) => storageId === id);
      const disksGib = its.reduce((sum, { flavor }) => sum + flavor.diskGib, 0);
      const diskGibCounted = disksGib + volumesOn(this.#tables, "storageId", id);
      return { storageId: id, ...storage, diskGibCounted };
    });
    return totals.sort((a, b) => (a.storageId < b.storageId ? -1 : 1));
  }

  #storageOf({ storageId }: StoredHost): HostRecord["storage"] {
    const { id: _, ...storage } = this.#tables.storages.get(storageId ?? "") ?? { id: "" };
    return "diskGib" in storage ? storage : null;
  }

  #whole(hosts: readonly StoredHost[]): HostRecord[] {
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
      return { ...host, ioOps: builds.get(host.id) ?? 0, aggregates, storage: this.#storageOf(host) };
    });
  }
}
