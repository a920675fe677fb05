/** Writes into memory that hosts live and hold their leases. It changes nothing else of a host. */
import type { Renewal, SignsOfLife } from "../../actors/ports/signs-of-life.ts";
import type { Tables } from "../rows/tables.ts";
import { onePerHost } from "./renewals.ts";

export class MemorySignsOfLife implements SignsOfLife {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async touch(hostIds: readonly string[], atMs: number): Promise<readonly string[]> {
    const { hosts } = this.#tables;
    const known = [...new Set(hostIds)].filter((id) => hosts.get(id) !== undefined).sort();
    for (const id of known) {
      const host = hosts.get(id);
      if (host !== undefined && host.lastSeenAtMs < atMs) hosts.put(id, { ...host, lastSeenAtMs: atMs }, []);
    }
    return known;
  }

  async renew(renewals: readonly Renewal[]): Promise<readonly string[]> {
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
}
