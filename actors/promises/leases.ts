/** Host leases as the facts have them: which host holds one, which is fenced, and since when. */
import type { FenceProof } from "../../protocol/fence.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { Committed, LeaseRenewed } from "./facts.ts";

interface Lease {
  readonly leaseEpoch: number;
  readonly fenced: boolean;
  /** What the fence rests on. */
  readonly proof?: FenceProof["kind"];
  readonly renewedAtMs: number;
}

export class Leases {
  readonly #leases = new Map<string, Lease>();
  /** Whether any commit was seen: from outside none is. */
  #seen = false;

  renewed({ hostId, leaseEpoch, atMs }: LeaseRenewed): void {
    this.#leases.set(hostId, { leaseEpoch, fenced: false, renewedAtMs: atMs });
  }

  /** Takes in a commit; answers what is wrong with its fences, as sentences. */
  committed({ commit, atMs }: Pick<Committed, "commit" | "atMs">): readonly string[] {
    this.#seen = true;
    for (const { hostId, leaseEpoch } of commit.leasesGranted ?? [])
      this.#leases.set(hostId, { leaseEpoch, fenced: false, renewedAtMs: atMs });
    return (commit.leasesFenced ?? []).flatMap(({ hostId, leaseEpoch, proof }) => {
      const renewedAtMs = this.#leases.get(hostId)?.renewedAtMs ?? Number.NEGATIVE_INFINITY;
      this.#leases.set(hostId, { leaseEpoch, fenced: true, proof: proof.kind, renewedAtMs });
      const silentMs = atMs - renewedAtMs;
      if (proof.kind !== "lease" || silentMs >= leaseLimits.leaseTtlMs) return [];
      return [
        `Host ${hostId} was fenced ${Math.round(silentMs)} ms after its lease ${leaseEpoch} was renewed.`,
      ];
    });
  }

  /**
   * Whether all guests that ran on the host under this lease epoch, or an earlier one, are stopped for good.
   */
  isFenced(hostId: string, leaseEpoch: number): boolean {
    const lease = this.#leases.get(hostId);
    return lease?.fenced === true && leaseEpoch > 0 && leaseEpoch <= lease.leaseEpoch;
  }

  /**
   * True if a power or operator fence proves the host off. When no commits were seen, true: there is nothing
   * to contradict it.
   */
  isOff(hostId: string): boolean {
    const { fenced = false, proof } = this.#leases.get(hostId) ?? {};
    return !this.#seen || (fenced && (proof === "power" || proof === "operator"));
  }

  /**
   * True if the host is fenced now, at whatever lease epoch. When no commits were seen, true: there is
   * nothing to contradict it.
   */
  isOut(hostId: string): boolean {
    return !this.#seen || this.#leases.get(hostId)?.fenced === true;
  }
}
