/**
 * Fences the hosts whose lease has ended, and stops when too many have. Every controller has one; the commit
 * under the count of renewals decides which of them did it, and a renewal that came first undoes nothing.
 * It must never fence what it has not watched itself for the whole time.
 */

import type { FenceProof } from "../../protocol/fence.ts";
import { limits } from "../../protocol/limits.ts";
import { adminProject } from "../../protocol/subjects.ts";
import type { CatalogOptions } from "../catalog/turn.ts";
import { fenceSentence } from "../runtime/fence-proof.ts";
import type { Clock, Log } from "../runtime/ports.ts";
import type { HostRecord, NewEvent, Turn } from "../runtime/records.ts";
import { type Brake, brakeOf, type Expired, look, type Watch } from "./watch.ts";

export interface FencerOptions {
  readonly commit: CatalogOptions["commit"];
  readonly clock: Clock;
  readonly log: Log;
  /** Names this controller in proofs. */
  readonly name: string;
  /** A host was fenced. */
  readonly onFenced: () => void;
}

export class Fencer {
  readonly #options: FencerOptions;
  #watch: Watch = new Map();
  #brake: Brake = { on: false, lost: [], of: 0 };
  #busy = false;

  constructor(options: FencerOptions) {
    this.#options = options;
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
      await this.#turnBrake(brakeOf(hosts, seen, this.#options.clock.nowMs()));
      if (!this.#brake.on) for (const one of seen.expired) await this.#fence(one);
    } catch (error) {
      this.#options.log.warn({ err: error }, "a host that is lost was not fenced; it is tried again");
    } finally {
      this.#busy = false;
    }
  }

  async #fence({ host, epoch, renewals, silentMs }: Expired): Promise<void> {
    const { commit, clock, log, name, onFenced } = this.#options;
    const proof: FenceProof = {
      kind: "lease",
      leaseEpoch: epoch,
      silentMs: Math.round(silentMs),
      guardMs: limits.fenceMarginMs,
      observedBy: name,
      atMs: clock.nowMs(),
    };
    const result = await commit(fenceTurn(host, { epoch, renewals, proof }));
    log.warn({ host: host.name, result: result.kind, proof: fenceSentence(proof) }, "a host is fenced");
    if (result.kind === "committed") onFenced();
  }

  async #turnBrake(brake: Brake): Promise<void> {
    const { commit, clock, log } = this.#options;
    const before = this.#brake;
    this.#brake = brake;
    if (before.on === brake.on) return;
    const names = brake.lost.map(({ name }) => name);
    log.error({ on: brake.on, lost: names, of: brake.of }, "the brake on automatic recovery");
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
