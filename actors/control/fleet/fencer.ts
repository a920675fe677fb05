/**
 * The fencer fences hosts whose host lease has ended, or whose storage lease was taken, and stops when there
 * are too many of them. Every controller has a fencer; the commit, conditional on the count of renewals,
 * decides which one fences, and fails if a renewal came first. It must never fence a host that it has not
 * watched itself for the whole time.
 *
 * It judges all leases together, because the brake is about all hosts at once: a loop of its own, one round
 * for each read of the hosts (actors/control/directory/read-loop.ts).
 */
import type { FenceProof } from "../../../protocol/fence.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { HostRecord } from "../../records/host.ts";
import { type Meter, nullMeter, only } from "../../runtime/meter.ts";
import type { Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { storageOf } from "../../shared-storage/storage-of.ts";
import { type ExamineStorage, Witnesses } from "../../shared-storage/witnesses.ts";
import type { HostsRead } from "../directory/directory.ts";
import { fenceSentence } from "../directory/fence-proof.ts";
import { ReadLoop } from "../directory/read-loop.ts";
import { fenceCommit } from "../host/fence.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { areManyMissed, type Brake, brakeOf } from "./brake.ts";
import { type Expired, lateRenewals, look, silentFor, type Watch } from "./lease-expiry.ts";
import { fleetLimits } from "./limits.ts";
import type { LeasesSeen } from "./link.ts";

export interface FencerOptions {
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly commit: CatalogOptions["commit"];
  readonly clock: Clock;
  readonly log: Log;
  /** Names this controller in proofs. */
  readonly name: string;
  readonly examineStorage: ExamineStorage;
  /** Called when a host was fenced. */
  readonly onFenced: () => void;
  /** Called after each round, with what it saw. */
  readonly onLooked: (picture: LeasesSeen) => void;
  /** See PeriodicOptions: a controller that cannot fence recovers nothing. */
  readonly onFailed?: (() => void) | undefined;
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
  readonly #rounds: ReadLoop;

  constructor(options: FencerOptions) {
    this.#options = options;
    const { system, onFailed } = options;
    this.#rounds = new ReadLoop(system, {
      ...{ name: "fencer", roundMsMax: fleetLimits.fencerRoundMsMax, onFailed },
      judge: (read, round) => this.#round(read, round),
    });
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

  hostsRead(read: HostsRead): void {
    this.#rounds.hostsRead(read);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** What the last round saw. */
  get picture(): LeasesSeen {
    const { clock } = this.#options;
    const silentMs = [...this.#watch].map(
      ([hostId, { sinceMs }]) => [hostId, Math.max(0, clock.monotonicMs() - sinceMs)] as const,
    );
    return { brake: this.#brake, silentMs };
  }

  async #round(read: HostsRead, round: Round): Promise<void> {
    try {
      await this.#judge(read, round);
    } catch (error) {
      this.#options.log.warn({ err: error }, "a host that is lost was not fenced; it is tried again");
      round.fail();
    }
    if (!round.signal.aborted) this.#options.onLooked(this.picture);
  }

  async #judge({ hosts, atMs: nowMs, listeningSinceMs }: HostsRead, { signal, did }: Round): Promise<void> {
    const seen = look(this.#watch, hosts, { nowMs, listeningSinceMs });
    if (this.#meter.on)
      this.#meter.count("novact_lease_renewals_late_total", {}, lateRenewals(this.#watch, seen.next));
    this.#watch = seen.next;
    const missed = silentFor(seen, fleetLimits.storageMissedMs);
    this.#witnesses.look(hosts, missed);
    const wallMs = this.#options.clock.nowMs();
    const brake = brakeOf(hosts, seen, wallMs);
    did(`${seen.next.size} leases, ${seen.expired.length} ended${brake.on ? ", brake on" : ""}`);
    await this.#turnBrake(brake);
    if (this.#brake.on || signal.aborted) return;
    if (!areManyMissed(hosts, seen, wallMs))
      for (const one of seen.takeable) void this.#take(one, hosts, missed);
    for (const one of seen.expired) {
      await this.#fence(one, this.#silence(one));
      // A round that was given up has been overtaken by another one, which judges younger leases.
      if (signal.aborted) return;
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
