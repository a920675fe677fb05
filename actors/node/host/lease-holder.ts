/**
 * Holds the host lease: asks for its renewal at every heartbeat, hands each new deadline to the guard before
 * counting on it, and tells the machines what they may do. The deadline is the moment of sending the request
 * plus the host lease's time to live, on the monotonic clock: delay of the answer on the network only makes
 * it shorter.
 *
 * On shared storage it also holds a storage lease, beside the host lease that controllers count. When another
 * host has taken the storage lease, this host is fenced, whatever the controllers know about it: it cleans
 * up, and stays silent until they have fenced it too.
 *
 * It must never say "held" for a time that the guard does not know, nor ask for a new host lease while a
 * guest of the old one has a process, nor start anything under a storage lease that was taken.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import type { Guard } from "../../ports/guard.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import type { HostStorage } from "../../shared-storage/host-storage.ts";
import { type Lease, noLease } from "../machine/lease.ts";
import { hostLimits } from "./limits.ts";
import type { ReportClient } from "./reporter.ts";

export interface LeaseHolderOptions {
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly hostId: string;
  readonly reports: Pick<ReportClient, "lease">;
  /** Opens the guard, or connects to the one that runs. */
  readonly guard: () => Promise<Guard>;
  readonly storage: HostStorage;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with a guard that answers, after each answer of a controller. */
  readonly answered: (guard: Guard) => void;
  /** True when no guest of the ended host lease has a process. */
  readonly isClean: () => Promise<boolean>;
  /** Called when what machines may do has changed; `anew`: under another lease epoch than before. */
  readonly changed: (anew: boolean) => void;
  /** See PeriodicOptions: without renewals the host is fenced. */
  readonly onFailed?: (() => void) | undefined;
}

export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  #kind: Lease["kind"] = noLease.kind;
  #epoch = 0;
  #untilMs = Number.NEGATIVE_INFINITY;
  /** When the request of the newest accepted answer was sent: answers to earlier requests are ignored. */
  #takenSentAtMs = Number.NEGATIVE_INFINITY;
  /** Lease epoch of the storage lease that another host took; 0: none. */
  #takenEpoch = 0;
  /** No renewal is asked for before then. */
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #guard: Promise<Guard> | undefined;
  readonly #renewals: Periodic;
  #lapse: Timer | undefined;
  #ended = false;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
    const { system, onFailed } = options;
    this.#renewals = new Periodic(system, {
      ...{ name: "lease", overlapping: true, onFailed },
      pauseMs: () => leaseLimits.heartbeatPeriodMs,
      round: (round) => this.#ask(round),
    });
  }

  /** Starts renewing. A renewal that hangs does not hold up later ones: the first answer counts. */
  start(): void {
    // Before the loop has its first turn, so that the first lease is there when the host registers.
    void this.#ask();
    this.#renewals.next();
  }

  /** Stops renewing. The guard goes on guarding, unless the guests have ended as well. */
  async end(guests: boolean): Promise<void> {
    this.#ended = true;
    const stopped = this.#renewals.stop();
    this.#lapse?.cancel();
    try {
      await this.#letGo();
      const guard = await this.#guard;
      await (guests ? guard?.end() : guard?.close());
    } catch (thrown) {
      this.#options.log.warn({ err: thrown }, "the guard goes on");
    }
    await stopped;
  }

  /**
   * Tells controllers that the storage lease is given up: an agent that ends in order is not a lost host, and
   * nobody needs to ask the storage for it.
   */
  async #letGo(): Promise<void> {
    const { storage, reports } = this.#options;
    const asked = { leaseEpoch: this.#epoch, cleaned: false, storageId: null };
    if (this.#kind === "held" && storage.id !== null)
      await reports.lease(asked, { timeoutMs: hostLimits.hostFarewellMs }).catch(() => undefined);
    await storage.close();
  }

  /**
   * The host lease as of now, by the clock and not by timers: a process that was paused knows at once that it
   * is late.
   */
  current(): Lease {
    const late = this.#options.clock.monotonicMs() >= this.#untilMs - hostLimits.leasePauseLeadMs;
    return { kind: this.#kind === "held" && late ? "lapsed" : this.#kind, leaseEpoch: this.#epoch };
  }

  /**
   * Call when a guest's process has ended: perhaps it was the last one before a new host lease can be asked
   * for.
   */
  poke(): void {
    if (this.#kind === "fenced" && !this.#ended) void this.#ask();
  }

  /** Asks for the first host lease now, if there is none yet. */
  hurry(): void {
    if (this.#kind === "unknown" && !this.#ended) void this.#ask();
  }

  async #ask(round?: Round): Promise<void> {
    const { clock, log, isClean } = this.#options;
    if (clock.monotonicMs() < this.#quietUntilMs) return;
    try {
      // Without a guard that answers, nothing is renewed: the host is fenced, and its guests go elsewhere.
      const guard = await this.#guarded();
      const leaseEpoch = this.#epoch;
      const storageId = await this.#storageHeld(leaseEpoch);
      const cleaned = this.#kind === "fenced" && (await isClean());
      const sentAtMs = clock.monotonicMs();
      if (this.#ended || sentAtMs < this.#quietUntilMs) return;
      const asked = { leaseEpoch, cleaned, storageId };
      const answer = await this.#options.reports.lease(asked, { timeoutMs: wireLimits.hostRequestTimeoutMs });
      if (this.#ended || sentAtMs < this.#takenSentAtMs) return;
      if (answer.held) await this.#held(answer.leaseEpoch, sentAtMs);
      else this.#fenced(answer.leaseEpoch, sentAtMs);
      this.#options.answered(guard);
      round?.did(answer.held ? "renewed" : "fenced");
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Renewing the lease");
      if (!this.#ended) log.warn({ reason, message }, "the lease was not renewed; it is tried again");
      round?.fail();
    }
  }

  async #held(leaseEpoch: number, sentAtMs: number): Promise<void> {
    const untilMs = sentAtMs + leaseLimits.leaseTtlMs;
    // The answer is late: this lease epoch was fenced since.
    if (leaseEpoch < this.#epoch || (this.#kind === "fenced" && leaseEpoch === this.#epoch)) {
      if (leaseEpoch === this.#takenEpoch) this.#beQuiet();
      return;
    }
    // Checked before the guard continues any guest: nothing may run under a storage lease that was taken.
    if (leaseEpoch !== this.#epoch && (await this.#options.storage.hold(this.#key(leaseEpoch))) === "taken") {
      this.#taken(leaseEpoch);
      return;
    }
    await this.#extend(untilMs);
    if (this.#ended || sentAtMs < this.#takenSentAtMs || leaseEpoch < this.#epoch) return;
    const before = this.current();
    this.#takenSentAtMs = sentAtMs;
    this.#untilMs = untilMs;
    this.#epoch = leaseEpoch;
    this.#kind = "held";
    this.#lapseLater();
    const after = this.current();
    if (before.kind !== after.kind || before.leaseEpoch !== after.leaseEpoch)
      this.#tell(after, before.leaseEpoch !== after.leaseEpoch);
  }

  /**
   * The storage on which the agent and every guest that may be taken over are known to hold the storage
   * lease; else null.
   */
  async #storageHeld(leaseEpoch: number): Promise<string | null> {
    if (this.#kind !== "held") return null;
    const { storage } = this.#options;
    const holding = await storage.hold(this.#key(leaseEpoch));
    if (holding === "taken" && this.#kind === "held" && leaseEpoch === this.#epoch) this.#taken(leaseEpoch);
    return holding === "held" ? storage.id : null;
  }

  #key(leaseEpoch: number) {
    return { hostId: this.#options.hostId, leaseEpoch };
  }

  #taken(leaseEpoch: number): void {
    this.#options.log.warn({ leaseEpoch }, "another host took this host's lease on the shared storage");
    this.#takenEpoch = leaseEpoch;
    this.#beQuiet();
    this.#fenced(leaseEpoch, this.#options.clock.monotonicMs());
  }

  /**
   * Stops asking for a while: each request would count as a renewal and hide from controllers that this host
   * is lost.
   */
  #beQuiet(): void {
    this.#quietUntilMs = this.#options.clock.monotonicMs() + hostLimits.storageTakenQuietMs;
  }

  #fenced(leaseEpoch: number, sentAtMs: number): void {
    if (leaseEpoch < this.#epoch) return;
    const before = this.current();
    this.#takenSentAtMs = sentAtMs;
    this.#epoch = leaseEpoch;
    this.#kind = "fenced";
    this.#lapse?.cancel();
    if (before.kind === "fenced" && before.leaseEpoch === leaseEpoch) return;
    this.#tell(this.current(), false);
    // Perhaps no guest is left to clean up.
    this.poke();
  }

  #tell(lease: Lease, anew: boolean): void {
    this.#options.log.info({ lease: lease.kind, leaseEpoch: lease.leaseEpoch }, "the host's lease");
    this.#options.changed(anew);
  }

  #lapseLater(): void {
    const { clock } = this.#options;
    this.#lapse?.cancel();
    const ms = Math.max(0, this.#untilMs - hostLimits.leasePauseLeadMs - clock.monotonicMs());
    this.#lapse = clock.after(ms, () => {
      if (!this.#ended && this.current().kind === "lapsed") this.#tell(this.current(), false);
    });
  }

  /** The guard, once it answers; a guard that died or does not answer is opened anew. */
  async #guarded(): Promise<Guard> {
    this.#guard ??= this.#options.guard();
    try {
      const guard = await this.#guard;
      if (guard.alive) return guard;
    } catch (thrown) {
      this.#guard = undefined;
      throw thrown;
    }
    this.#guard = this.#options.guard();
    return this.#guard;
  }

  async #extend(untilMs: number): Promise<void> {
    try {
      await (await this.#guarded()).extend(untilMs);
    } catch (thrown) {
      this.#guard = undefined;
      throw thrown;
    }
  }
}
