/** The leases of hosts as the facts have them: who holds which, who is fenced, and since when. */
import type { FenceProof } from "../../protocol/fence.ts";
import { limits } from "../../protocol/limits/limits.ts";
import type { Committed, LeaseRenewed } from "./facts.ts";

interface Lease {
  readonly epoch: number;
  readonly fenced: boolean;
  /** What the fence rests on. */
  readonly proof?: FenceProof["kind"];
  readonly renewedAtMs: number;
}

export class Leases {
  readonly #leases = new Map<string, Lease>();
  /** From outside nobody sees commits. */
  #seen = false;

  renewed({ hostId, epoch, atMs }: LeaseRenewed): void {
    this.#leases.set(hostId, { epoch, fenced: false, renewedAtMs: atMs });
  }

  /** Answers what is wrong with the fences of a turn that was committed. */
  committed({ turn, atMs }: Pick<Committed, "turn" | "atMs">): readonly string[] {
    this.#seen = true;
    for (const { hostId, epoch } of turn.leasesGranted ?? [])
      this.#leases.set(hostId, { epoch, fenced: false, renewedAtMs: atMs });
    return (turn.leasesFenced ?? []).flatMap(({ hostId, epoch, proof }) => {
      const renewedAtMs = this.#leases.get(hostId)?.renewedAtMs ?? Number.NEGATIVE_INFINITY;
      this.#leases.set(hostId, { epoch, fenced: true, proof: proof.kind, renewedAtMs });
      const silentMs = atMs - renewedAtMs;
      if (proof.kind !== "lease" || silentMs >= limits.leaseTtlMs) return [];
      return [`Host ${hostId} was fenced ${Math.round(silentMs)} ms after its lease ${epoch} was renewed.`];
    });
  }

  /** Whether everything that ran there under this lease, or one before it, is stopped for good. */
  isFenced(hostId: string, leaseEpoch: number): boolean {
    const lease = this.#leases.get(hostId);
    return lease?.fenced === true && leaseEpoch > 0 && leaseEpoch <= lease.epoch;
  }

  /** Fenced by who says that nothing at all runs there; without commits, for all that can be said. */
  isOff(hostId: string): boolean {
    const { fenced = false, proof } = this.#leases.get(hostId) ?? {};
    return !this.#seen || (fenced && (proof === "power" || proof === "operator"));
  }

  /** Now, whatever the lease; where no commits are seen, for all that can be said. */
  isOut(hostId: string): boolean {
    return !this.#seen || this.#leases.get(hostId)?.fenced === true;
  }
}
