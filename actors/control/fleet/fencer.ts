/**
 * Fences the hosts whose lease has ended, or was taken on the storage that they share, and stops when those
 * are too many. Every controller has one; the commit under the count of renewals decides which of them did
 * it, and a renewal that came first undoes nothing.
 * It must never fence what it has not watched itself for the whole time.
 */

import type { FenceProof } from "../../../protocol/fence.ts";
import { limits } from "../../../protocol/limits/limits.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { NewEvent, Turn } from "../../records/commit.ts";
import type { HostRecord } from "../../records/host.ts";
import { type ExamineStorage, storageOf, Witnesses } from "../../shared-storage/witnesses.ts";
import { fenceSentence } from "../directory/fence-proof.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { areManyMissed, type Brake, brakeOf } from "./brake.ts";
import { type Expired, look, silentFor, type Watch } from "./watch.ts";

export interface FencerOptions {
  readonly commit: CatalogOptions["commit"];
  readonly clock: Clock;
  readonly log: Log;
  /** Names this controller in proofs. */
  readonly name: string;
  readonly examineStorage: ExamineStorage;
  /** A host was fenced. */
  readonly onFenced: () => void;
}

export class Fencer {
  readonly #options: FencerOptions;
  readonly #witnesses: Witnesses;
  /** Ids of hosts whose lease the storage is being asked for. */
  readonly #taking = new Set<string>();
  #watch: Watch = new Map();
  #brake: Brake = { on: false, lost: [], of: 0 };
  /** What the events have of the brake: a store that is away hears of it later. */
  #told = false;
  #busy = false;

  constructor(options: FencerOptions) {
    this.#options = options;
    this.#witnesses = new Witnesses({ examine: options.examineStorage, clock: options.clock });
  }

  get brake(): Brake {
    return this.#brake;
  }

  /** So long no renewal of the host's lease was seen here; undefined: it is not watched. */
  silentMs(hostId: string): number | undefined {
    const watched = this.#watch.get(hostId);
    return watched && Math.max(0, this.#options.clock.monotonicMs() - watched.sinceMs);
  }

  /** Called with every reading of the hosts; one round at a time. */
  async round(hosts: readonly HostRecord[], listeningSinceMs: number): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const nowMs = this.#options.clock.monotonicMs();
      const seen = look(this.#watch, hosts, { nowMs, listeningSinceMs });
      this.#watch = seen.next;
      const missed = silentFor(seen, limits.storageMissedMs);
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

  /** Asks the storage, by a host that shares it, whether anything of this one lives. Never rejects. */
  async #take(one: Expired, hosts: readonly HostRecord[], missed: ReadonlySet<string>): Promise<void> {
    const { host, epoch, silentMs } = one;
    if (this.#taking.has(host.id)) return;
    this.#taking.add(host.id);
    try {
      const witness = await this.#witnesses.take(host, hosts, missed);
      if (witness === undefined || this.#brake.on) return;
      const { name: observedBy, clock } = this.#options;
      const storageId = storageOf(host.lease) ?? "";
      const about = { leaseEpoch: epoch, storageId, takenBy: witness.name, observedBy };
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

  #silence({ epoch, silentMs }: Expired): FenceProof {
    const { clock, name: observedBy } = this.#options;
    const guardMs = limits.fenceMarginMs;
    const about = { leaseEpoch: epoch, silentMs: Math.round(silentMs), guardMs, observedBy };
    return { kind: "lease", ...about, atMs: clock.nowMs() };
  }

  async #fence({ host, epoch, renewals }: Expired, proof: FenceProof): Promise<void> {
    const { commit, log, onFenced } = this.#options;
    const result = await commit(fenceTurn(host, { epoch, renewals, proof }));
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
    // Every controller finds out by itself, within a second or so; what they say meanwhile is the same.
    // Before the brake can be on again a lease has to end.
    const told = `${event} ${Math.floor(atMs / limits.leaseTtlMs)}`;
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

/** `renewals` null: whatever was renewed, because somebody knows better than the lease. */
export function fenceTurn(
  host: Pick<HostRecord, "id" | "name">,
  { epoch, renewals, proof }: { epoch: number; renewals: number | null; proof: FenceProof },
): Turn {
  const event: NewEvent = {
    atMs: proof.atMs,
    project: adminProject,
    noun: "host",
    id: host.id,
    event: "fenced",
    body: { name: host.name, proof },
  };
  return { leasesFenced: [{ hostId: host.id, epoch, renewals, proof }], events: [event] };
}
