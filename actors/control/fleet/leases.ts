/**
 * Renews and grants host leases. A renewal is one durable write for many hosts: hosts that ask during a
 * write, or shortly after it, share the next. A grant is a commit, and after a fence only a host that says it
 * has cleaned up gets one. It must never answer "held" before the store has said so.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { LeaseKey, Renewal } from "../../ports/signs-of-life.ts";
import type { StorePart } from "../../ports/store.ts";
import { type Meter, nullMeter } from "../../runtime/meter.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { fleetLimits } from "./limits.ts";

export interface LeaseRequest {
  readonly leaseEpoch: number;
  readonly cleaned: boolean;
  /** Null: none. */
  readonly storageId: string | null;
}

export interface LeaseAnswer {
  readonly leaseEpoch: number;
  readonly held: boolean;
}

export interface LeasesOptions {
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly store: StorePart<{ signsOfLife: "renew"; hosts: "get" }>;
  readonly commit: CatalogOptions["commit"];
  readonly clock: Clock;
  /** Called when a host lease was granted. */
  readonly hostsChanged: () => void;
  /** See PeriodicOptions: without renewals, every host stops its guests. */
  readonly onFailed?: (() => void) | undefined;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
}

interface Waiting {
  readonly key: Renewal;
  readonly resolve: (held: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class Leases {
  readonly #options: LeasesOptions;
  readonly #meter: Meter;
  readonly #writes: Periodic;
  #waiting: Waiting[] = [];
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#meter = options.meter ?? nullMeter;
    this.#meter.zero("novact_lease_renewals_total");
    this.#writes = new Periodic(options.system, {
      name: "renewals",
      pauseMs: () => (this.#waiting.length > 0 ? this.#spacingMs : fleetLimits.renewalIdleMs),
      roundMsMax: fleetLimits.renewalRoundMsMax,
      round: (round) => this.#round(round),
      onFailed: options.onFailed,
    });
  }

  /** Writes what waits no more. */
  stop(): Promise<void> {
    return this.#writes.stop();
  }

  /**
   * Renews or grants the host lease. @throws NOT_FOUND hostNotFound; ABORTED generationConflict: ask again;
   * the store's errors
   */
  async renew(hostId: string, asked: LeaseRequest): Promise<LeaseAnswer> {
    const { leaseEpoch, storageId } = asked;
    if (leaseEpoch > 0 && (await this.#count({ hostId, leaseEpoch, storageId })))
      return { leaseEpoch, held: true };
    return this.#anew(hostId, asked);
  }

  /** The host does not hold the lease epoch it asked for (any more): its row says which one it may have. */
  async #anew(hostId: string, { leaseEpoch, cleaned }: LeaseRequest): Promise<LeaseAnswer> {
    const host = await this.#options.store.hosts.get(hostId);
    if (host?.id !== hostId) throw new StatusError("hostNotFound", `There is no host ${hostId}.`);
    const { lease, name } = host;
    if (lease === null) return this.#grant({ hostId, name, leaseEpoch: 1 });
    if (lease.fencedBy !== null)
      // "Cleaned" under another lease epoch is outdated: guests may have been started since.
      return cleaned && leaseEpoch === lease.leaseEpoch
        ? this.#grant({ hostId, name, leaseEpoch: lease.leaseEpoch + 1 })
        : { leaseEpoch: lease.leaseEpoch, held: false };
    // The host lease was granted to this agent, and the answer was lost, or to the agent before it: nothing
    // was taken over under it.
    const may = leaseEpoch === 0 || (cleaned && leaseEpoch === lease.leaseEpoch - 1);
    if (!may) return { leaseEpoch: lease.leaseEpoch - 1, held: false };
    if (await this.#count({ hostId, leaseEpoch: lease.leaseEpoch, storageId: null }))
      return { leaseEpoch: lease.leaseEpoch, held: true };
    throw changed(hostId);
  }

  async #grant({ hostId, name, leaseEpoch }: LeaseKey & { readonly name: string }): Promise<LeaseAnswer> {
    const { commit, clock, hostsChanged } = this.#options;
    const result = await commit({
      leasesGranted: [{ hostId, leaseEpoch }],
      events: [
        {
          atMs: clock.nowMs(),
          project: adminProject,
          noun: "host",
          id: hostId,
          event: "leaseGranted",
          body: { name, leaseEpoch },
        },
      ],
    });
    if (result.kind !== "committed") throw changed(hostId);
    hostsChanged();
    return { leaseEpoch, held: true };
  }

  #count(key: Renewal): Promise<boolean> {
    const held = new Promise<boolean>((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject });
    });
    if (this.#waiting.length === 1) this.#writes.next(this.#spacingMs);
    return held;
  }

  /** How long the next write has to wait for. */
  get #spacingMs(): number {
    return Math.max(0, this.#writtenAtMs + fleetLimits.renewalPeriodMs - this.#options.clock.monotonicMs());
  }

  async #round(round: Round): Promise<void> {
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return;
    this.#writtenAtMs = this.#options.clock.monotonicMs();
    const giveUp = () => {
      for (const { reject } of batch) reject(notInTime());
    };
    round.signal.addEventListener("abort", giveUp, { once: true });
    await this.#write(batch, round);
    round.signal.removeEventListener("abort", giveUp);
  }

  async #write(batch: readonly Waiting[], { fail, did }: Round): Promise<void> {
    try {
      const held = new Set(await this.#options.store.signsOfLife.renew(batch.map(({ key }) => key)));
      this.#meter.count("novact_lease_renewals_total", {}, held.size);
      for (const { key, resolve } of batch) resolve(held.has(key.hostId));
      did(`${held.size} leases renewed`);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      fail();
    }
  }
}

const notInTime = (): StatusError =>
  new StatusError("storeUnavailable", "The lease could not be written in time.");

function changed(hostId: string): StatusError {
  return new StatusError("generationConflict", `The lease of ${hostId} was changed by others.`);
}
