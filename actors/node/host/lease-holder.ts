/**
 * Holds the lease of a host: asks for its renewal at every heartbeat, hands each new deadline to the guard
 * before it counts on it, and tells the machines what they may do. The deadline is the sending of the request
 * plus the lease's time, on the monotonic clock: what the network does to the answer makes it only shorter.
 *
 * On storage that hosts share it holds a lease as well, beside the one that is counted. When another host
 * took that, this one is fenced, whatever the controllers know of it: it cleans up, and is silent until they
 * have fenced it too.
 *
 * It must never say "held" for a time that the guard does not know of, nor ask for a new lease while a guest
 * of the old one has a process, nor begin anything under a lease that was taken on the storage.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import type { Guard } from "../../ports/guard.ts";
import type { HostStorage } from "../../shared-storage/host-storage.ts";
import { type Lease, noLease } from "../machine/lease.ts";
import type { ReportClient } from "./reporter.ts";

export interface LeaseHolderOptions {
  readonly hostId: string;
  readonly reports: Pick<ReportClient, "lease">;
  /** Opens the guard, or finds it again. */
  readonly guard: () => Promise<Guard>;
  readonly storage: HostStorage;
  readonly clock: Clock;
  readonly log: Log;
  /** No guest of a lease that ended has a process. */
  readonly isClean: () => Promise<boolean>;
  /** What machines may do has changed; `anew`: this is another lease than the one before. */
  readonly changed: (anew: boolean) => void;
}

export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  #kind: Lease["kind"] = noLease.kind;
  #epoch = 0;
  #untilMs = Number.NEGATIVE_INFINITY;
  /** When the request was sent whose answer was taken last: older answers are old news. */
  #takenSentAtMs = Number.NEGATIVE_INFINITY;
  /** Of the lease that another host took on the storage; 0: none. */
  #takenEpoch = 0;
  /** Nothing is asked before. */
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #guard: Promise<Guard> | undefined;
  #next: Timer | undefined;
  #lapse: Timer | undefined;
  #ended = false;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#ended) return;
    this.#next = this.#options.clock.after(limits.heartbeatPeriodMs, () => this.start());
    void this.#ask();
  }

  /** Begins no more. The guard goes on by what it knows, unless the guests have ended as well. */
  async end(guests: boolean): Promise<void> {
    this.#ended = true;
    this.#next?.cancel();
    this.#lapse?.cancel();
    try {
      await this.#letGo();
      const guard = await this.#guard;
      await (guests ? guard?.end() : guard?.close());
    } catch (thrown) {
      this.#options.log.warn({ err: thrown }, "the guard goes on");
    }
  }

  /** An agent that ends in order is no sign of a lost host: the storage shall not be asked for it. */
  async #letGo(): Promise<void> {
    const { storage, reports } = this.#options;
    const asked = { epoch: this.#epoch, cleaned: false, storageId: null };
    if (this.#kind === "held" && storage.id !== null)
      await reports.lease(asked, { timeoutMs: limits.hostFarewellMs }).catch(() => undefined);
    await storage.close();
  }

  /** By the clock, whatever timers have fired: a process that was stopped knows at once that it is late. */
  current(): Lease {
    const late = this.#options.clock.monotonicMs() >= this.#untilMs - limits.leasePauseLeadMs;
    return { kind: this.#kind === "held" && late ? "lapsed" : this.#kind, epoch: this.#epoch };
  }

  /** A guest's process has ended: perhaps it was the last one that stood in the way. */
  poke(): void {
    if (this.#kind === "fenced" && !this.#ended) void this.#ask();
  }

  /** Where there is no lease yet, one is asked for now. */
  hurry(): void {
    if (this.#kind === "unknown" && !this.#ended) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { clock, log, isClean } = this.#options;
    if (clock.monotonicMs() < this.#quietUntilMs) return;
    try {
      // Without a guard that answers nothing is renewed: the host is fenced, and its guests go elsewhere.
      await this.#guarded();
      const epoch = this.#epoch;
      const storageId = await this.#storageHeld(epoch);
      const cleaned = this.#kind === "fenced" && (await isClean());
      const sentAtMs = clock.monotonicMs();
      if (this.#ended || sentAtMs < this.#quietUntilMs) return;
      const answer = await this.#renewed({ epoch, cleaned, storageId });
      if (this.#ended || sentAtMs < this.#takenSentAtMs) return;
      if (answer.held) await this.#held(answer.epoch, sentAtMs);
      else this.#fenced(answer.epoch, sentAtMs);
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Renewing the lease");
      if (!this.#ended) log.warn({ reason, message }, "the lease was not renewed; it is tried again");
    }
  }

  /** A controller of the version before may have heard it: the next one may know what is meant. */
  async #renewed(asked: Parameters<LeaseHolderOptions["reports"]["lease"]>[0]) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#options.reports.lease(asked, { timeoutMs: limits.hostRequestTimeoutMs });
      } catch (thrown) {
        const older = thrown instanceof StatusError && thrown.reason === "unknownMethod";
        if (!older || attempt === limits.commitAttemptsMax) throw thrown;
      }
    }
  }

  async #held(epoch: number, sentAtMs: number): Promise<void> {
    const untilMs = sentAtMs + limits.leaseTtlMs;
    // A renewal of what was fenced since has been overtaken.
    if (epoch < this.#epoch || (this.#kind === "fenced" && epoch === this.#epoch)) {
      if (epoch === this.#takenEpoch) this.#beQuiet();
      return;
    }
    // Before the guard lets anybody go on: nothing may run under what was taken.
    if (epoch !== this.#epoch && (await this.#options.storage.hold(this.#key(epoch))) === "taken") {
      this.#taken(epoch);
      return;
    }
    await this.#extend(untilMs);
    if (this.#ended || sentAtMs < this.#takenSentAtMs || epoch < this.#epoch) return;
    const before = this.current();
    this.#takenSentAtMs = sentAtMs;
    this.#untilMs = untilMs;
    this.#epoch = epoch;
    this.#kind = "held";
    this.#lapseLater();
    const after = this.current();
    if (before.kind !== after.kind || before.epoch !== after.epoch)
      this.#tell(after, before.epoch !== after.epoch);
  }

  /** On which every such guest is known to hold the lease. */
  async #storageHeld(epoch: number): Promise<string | null> {
    if (this.#kind !== "held") return null;
    const { storage } = this.#options;
    const holding = await storage.hold(this.#key(epoch));
    if (holding === "taken" && this.#kind === "held" && epoch === this.#epoch) this.#taken(epoch);
    return holding === "held" ? storage.id : null;
  }

  #key(epoch: number) {
    return { hostId: this.#options.hostId, epoch };
  }

  #taken(epoch: number): void {
    this.#options.log.warn({ epoch }, "another host took this host's lease on the shared storage");
    this.#takenEpoch = epoch;
    this.#beQuiet();
    this.#fenced(epoch, this.#options.clock.monotonicMs());
  }

  /** What is asked is counted, and would keep the controllers from seeing that this host is lost. */
  #beQuiet(): void {
    this.#quietUntilMs = this.#options.clock.monotonicMs() + limits.storageTakenQuietMs;
  }

  #fenced(epoch: number, sentAtMs: number): void {
    if (epoch < this.#epoch) return;
    const before = this.current();
    this.#takenSentAtMs = sentAtMs;
    this.#epoch = epoch;
    this.#kind = "fenced";
    this.#lapse?.cancel();
    if (before.kind === "fenced" && before.epoch === epoch) return;
    this.#tell(this.current(), false);
    // Perhaps nothing stands in the way.
    this.poke();
  }

  #tell(lease: Lease, anew: boolean): void {
    this.#options.log.info({ lease: lease.kind, epoch: lease.epoch }, "the host's lease");
    this.#options.changed(anew);
  }

  #lapseLater(): void {
    const { clock } = this.#options;
    this.#lapse?.cancel();
    const ms = Math.max(0, this.#untilMs - limits.leasePauseLeadMs - clock.monotonicMs());
    this.#lapse = clock.after(ms, () => {
      if (!this.#ended && this.current().kind === "lapsed") this.#tell(this.current(), false);
    });
  }

  /** The guard, once it has answered; one that has died or does not answer is opened anew. */
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
