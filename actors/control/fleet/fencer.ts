/**
 * The fencer fences hosts whose host lease has ended, or whose storage lease was taken, and stops when there
 * are too many of them. Every controller has a fencer; the commit, conditional on the count of renewals,
 * decides which one fences, and fails if a renewal came first. It must never fence a host that it has not
 * watched itself for the whole time.
 */

import type { FenceProof } from "../../../protocol/fence.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Commit, NewEvent } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";
import { type Meter, nullMeter, only } from "../../runtime/meter.ts";
import { type ExamineStorage, storageOf, Witnesses } from "../../shared-storage/witnesses.ts";
import { fenceSentence } from "../directory/fence-proof.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { areManyMissed, type Brake, brakeOf } from "./brake.ts";
import { type Expired, lateRenewals, look, silentFor, type Watch } from "./lease-expiry.ts";
import { fleetLimits } from "./limits.ts";
import type { FleetPicture } from "./link.ts";

export interface FencerOptions {
  readonly commit: CatalogOptions["commit"];
  readonly clock: Clock;
  readonly log: Log;
  /** Names this controller in proofs. */
  readonly name: string;
  readonly examineStorage: ExamineStorage;
  /** Called when a host was fenced. */
  readonly onFenced: () => void;
  /** Absent: nobody counts. */
  readonly meter?: Meter | undefined;
}

export class Fencer {
  readonly #options: FencerOptions;
  readonly #witnesses: Witnesses;
  readonly #meter: Meter;
  /** Ids of hosts whose storage lease is being taken. */
  readonly #taking = new Set<string>();
  #watch: Watch = new Map();
  #brake: Brake = { on: false, lost: [], of: 0 };
  /** Whether the last event said that the brake is on: when the store is away, the event follows later. */
  #told = false;
  #busy = false;

  constructor(options: FencerOptions) {
    this.#options = options;
    this.#witnesses = new Witnesses({ examine: options.examineStorage, clock: options.clock });
    this.#meter = options.meter ?? nullMeter;
    this.#meter.zero("novact_lease_renewals_late_total");
    this.#meter.look("novact_lease_oldest_seconds", () => only(this.#oldestS()));
    this.#meter.look("novact_recovery_braked", () => only(Number(this.#brake.on)));
  }

  /** Undefined: no host holds a lease. */
  #oldestS(): number | undefined {
    const { silentMs } = this.picture;
    if (silentMs.length === 0) return undefined;
    return silentMs.reduce((oldest, [, ms]) => Math.max(oldest, ms), 0) / 1_000;
  }

  /** What the last round saw. */
  get picture(): FleetPicture {
    const { clock } = this.#options;
    const silentMs = [...this.#watch].map(
      ([hostId, { sinceMs }]) => [hostId, Math.max(0, clock.monotonicMs() - sinceMs)] as const,
    );
    return { brake: this.#brake, silentMs };
  }

  /** One round; called with every read of the hosts, and skipped while the last round runs. */
  async round(hosts: readonly HostRecord[], listeningSinceMs: number): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const nowMs = this.#options.clock.monotonicMs();
      const seen = look(this.#watch, hosts, { nowMs, listeningSinceMs });
      if (this.#meter.on)
        this.#meter.count("novact_lease_renewals_late_total", {}, lateRenewals(this.#watch, seen.next));
      this.#watch = seen.next;
      const missed = silentFor(seen, fleetLimits.storageMissedMs);
      this.#witnesses.look(hosts, missed);
      const wallMs = this.#options.clock.nowMs();
      await this.#turnBrake(brakeOf(hosts, seen, wallMs));
      if (this.#brake.on) return;
      if (!areManyMissed(hosts, seen, wallMs))
        for (const one of seen.takeable) void this.#take(one, hosts, missed);
      for (const one of seen.expired) await this.#fence(one, this.#silence(one));
    } catch (error) {
      this.#options.log.warn({ err: error }, "a host that is lost was not fenced; it is tried again");
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Has a witness take the host's storage lease, which proves that nothing of the host lives. Never rejects.
   */
  async #take(one: Expired, hosts: readonly HostRecord[], missed: ReadonlySet<string>): Promise<void> {
    const { host, leaseEpoch, silentMs } = one;
    if (this.#taking.has(host.id)) return;
    this.#taking.add(host.id);
    try {
      const witness = await this.#witnesses.take(host, hosts, missed);
      if (witness === undefined || this.#brake.on) return;
      const { name: observedBy, clock } = this.#options;
      const storageId = storageOf(host.lease) ?? "";
      const about = { leaseEpoch, storageId, takenBy: witness.name, observedBy };
      const atMs = clock.nowMs();
      await this.#fence(one, { kind: "storage", ...about, silentMs: Math.round(silentMs), atMs });
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        "a host that the storage gave up was not fenced; it is tried again",
      );
    } finally {
      this.#taking.delete(host.id);
    }
  }

  #silence({ leaseEpoch, silentMs }: Expired): FenceProof {
    const { clock, name: observedBy } = this.#options;
    const guardMs = leaseLimits.fenceMarginMs;
    const about = { leaseEpoch, silentMs: Math.round(silentMs), guardMs, observedBy };
    return { kind: "lease", ...about, atMs: clock.nowMs() };
  }

  async #fence({ host, leaseEpoch, renewals }: Expired, proof: FenceProof): Promise<void> {
    const { commit, log, onFenced } = this.#options;
    const result = await commit(fenceCommit(host, { leaseEpoch, renewals, proof }));
    log.warn({ host: host.name, result: result.kind, proof: fenceSentence(proof) }, "a host is fenced");
    if (result.kind === "committed") onFenced();
  }

  async #turnBrake(brake: Brake): Promise<void> {
    const { commit, clock, log } = this.#options;
    const names = brake.lost.map(({ name }) => name);
    if (this.#brake.on !== brake.on)
      log.error({ on: brake.on, lost: names, of: brake.of }, "the brake on automatic recovery");
    this.#brake = brake;
    if (this.#told === brake.on) return;
    const event = brake.on ? "recoveryStopped" : "recoveryResumed";
    const atMs = clock.nowMs();
    // Every controller turns the brake by itself, within a second or so; the shared request id makes one
    // event of them. A host lease has to end before the brake can be on again, so the id changes by then.
    const told = `${event} ${Math.floor(atMs / leaseLimits.leaseTtlMs)}`;
    await commit({
      request: { project: adminProject, requestId: told, contentHash: told, answer: null, atMs },
      events: [
        {
          atMs,
          project: adminProject,
          noun: "recovery",
          id: "hosts",
          event,
          body: { lost: names, of: brake.of },
        },
      ],
    });
    this.#told = brake.on;
  }
}

/**
 * The commit that fences a host. `renewals`: the count that the fence rests on; null: any count, because the
 * proof is better than silence.
 */
export function fenceCommit(
  host: Pick<HostRecord, "id" | "name">,
  { leaseEpoch, renewals, proof }: { leaseEpoch: number; renewals: number | null; proof: FenceProof },
): Commit {
  const event: NewEvent = {
    atMs: proof.atMs,
    project: adminProject,
    noun: "host",
    id: host.id,
    event: "fenced",
    body: { name: host.name, proof },
  };
  return { leasesFenced: [{ hostId: host.id, leaseEpoch, renewals, proof }], events: [event] };
}
