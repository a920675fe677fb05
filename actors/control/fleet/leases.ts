/**
 * Renews and grants host leases. A renewal is one durable write for many hosts: hosts that ask during a
 * write, or shortly after it, share the next. A grant is a commit, and after a fence only a host that says it
 * has cleaned up gets one. It must never answer "held" before the store has said so.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { LeaseKey, Renewal, Store } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { fleetLimits } from "./limits.ts";

export interface LeaseRequest {
  readonly epoch: number;
  readonly cleaned: boolean;
  /** Null: none. */
  readonly storageId: string | null;
}

export interface LeaseAnswer {
  readonly epoch: number;
  readonly held: boolean;
}

export interface LeasesOptions {
  readonly store: Pick<Store, "renewLeases" | "getHost">;
  readonly commit: CatalogOptions["commit"];
  readonly clock: Clock;
  readonly directory: Pick<HostDirectory, "refreshSoon">;
}

interface Waiting {
  readonly key: Renewal;
  readonly resolve: (held: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class Leases {
  readonly #options: LeasesOptions;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /**
   * Renews or grants the host lease. @throws NOT_FOUND hostNotFound; ABORTED generationConflict: ask again;
   * the store's errors
   */
  async renew(hostId: string, asked: LeaseRequest): Promise<LeaseAnswer> {
    const { epoch, storageId } = asked;
    if (epoch > 0 && (await this.#count({ hostId, epoch, storageId }))) return { epoch, held: true };
    return this.#anew(hostId, asked);
  }

  /** The host does not hold the lease epoch it asked for (any more): its row says which one it may have. */
  async #anew(hostId: string, { epoch, cleaned }: LeaseRequest): Promise<LeaseAnswer> {
    const host = await this.#options.store.getHost(hostId);
    if (host?.id !== hostId) throw new StatusError("hostNotFound", `There is no host ${hostId}.`);
    const { lease, name } = host;
    if (lease === null) return this.#grant({ hostId, name, epoch: 1 });
    if (lease.fencedBy !== null)
      // "Cleaned" under another lease epoch is outdated: guests may have been started since.
      return cleaned && epoch === lease.epoch
        ? this.#grant({ hostId, name, epoch: lease.epoch + 1 })
        : { epoch: lease.epoch, held: false };
    // The host lease was granted to this agent, and the answer was lost, or to the agent before it: nothing
    // was taken over under it.
    const may = epoch === 0 || (cleaned && epoch === lease.epoch - 1);
    if (!may) return { epoch: lease.epoch - 1, held: false };
    if (await this.#count({ hostId, epoch: lease.epoch, storageId: null }))
      return { epoch: lease.epoch, held: true };
    throw changed(hostId);
  }

  async #grant({ hostId, name, epoch }: LeaseKey & { readonly name: string }): Promise<LeaseAnswer> {
    const { commit, clock, directory } = this.#options;
    const result = await commit({
      leasesGranted: [{ hostId, epoch }],
      events: [
        {
          atMs: clock.nowMs(),
          project: adminProject,
          noun: "host",
          id: hostId,
          event: "leaseGranted",
          body: { name, epoch },
        },
      ],
    });
    if (result.kind !== "committed") throw changed(hostId);
    directory.refreshSoon();
    return { epoch, held: true };
  }

  #count(key: Renewal): Promise<boolean> {
    const held = new Promise<boolean>((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject });
    });
    if (!this.#busy) void this.#run();
    return held;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    // Wait a microtask, so that requests of one moment share a write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const nextAtMs = this.#options.clock.monotonicMs() + fleetLimits.renewalPeriodMs;
      await this.#write(this.#waiting.splice(0));
      await this.#until(nextAtMs);
    }
    this.#busy = false;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    try {
      const held = new Set(await this.#options.store.renewLeases(batch.map(({ key }) => key)));
      for (const { key, resolve } of batch) resolve(held.has(key.hostId));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #until(atMs: number): Promise<void> {
    const { clock } = this.#options;
    const ms = atMs - clock.monotonicMs();
    return ms <= 0 ? Promise.resolve() : new Promise((resolve) => clock.after(ms, resolve));
  }
}

function changed(hostId: string): StatusError {
  return new StatusError("generationConflict", `The lease of ${hostId} was changed by others.`);
}
