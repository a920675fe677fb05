/**
 * The part of I11 that is about neighbours: whatever one project sends and one host says, the leases of
 * other hosts are renewed in time, and others are answered. Judged only while nothing else is broken.
 */
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { Fact, LeaseRenewed } from "./facts.ts";

/** A renewal may come so much later than its period. */
const renewalLateMsMax = 1_000;
const gapMsMax = leaseLimits.heartbeatPeriodMs + renewalLateMsMax;

/** A function of the facts, in their order; its sentences say what a neighbour has suffered. */
export function neighbours(): (fact: Fact) => readonly string[] {
  const renewals = new Renewals();
  const hostile: string[] = [];
  return (fact) => {
    switch (fact.kind) {
      case "leaseRenewed":
        return renewals.see(fact, hostile);
      case "hostileBegan":
        if (!fact.alone) return [];
        hostile.push(fact.who);
        renewals.begin(fact.atMs);
        return [];
      case "hostileEnded": {
        if (!fact.alone) return [];
        const late = renewals.end(fact.atMs, hostile);
        hostile.splice(hostile.indexOf(fact.who), 1);
        return late;
      }
      case "bystanderAsked":
        return fact.alone && !fact.answered
          ? [`A bystander was not answered in time while ${hostile.join(", ")} was hostile.`]
          : [];
      default:
        return [];
    }
  };
}

/** The last renewal of each host. */
class Renewals {
  readonly #lastMs = new Map<string, number>();

  /** Hosts that renewed nothing lately are not well, and nothing is said of them until they are. */
  begin(atMs: number): void {
    for (const [hostId, lastMs] of this.#lastMs) if (atMs - lastMs > gapMsMax) this.#lastMs.delete(hostId);
  }

  see({ hostId, atMs }: LeaseRenewed, hostile: readonly string[]): readonly string[] {
    const lastMs = this.#lastMs.get(hostId);
    this.#lastMs.set(hostId, atMs);
    return lastMs === undefined ? [] : lateOf({ hostId, lastMs, atMs }, hostile);
  }

  end(atMs: number, hostile: readonly string[]): readonly string[] {
    return [...this.#lastMs].flatMap(([hostId, lastMs]) => lateOf({ hostId, lastMs, atMs }, hostile));
  }
}

interface Gap {
  readonly hostId: string;
  readonly lastMs: number;
  readonly atMs: number;
}

function lateOf({ hostId, lastMs, atMs }: Gap, hostile: readonly string[]): readonly string[] {
  const others = hostile.filter((who) => who !== hostId);
  const gapMs = Math.round(atMs - lastMs);
  if (others.length === 0 || gapMs <= gapMsMax) return [];
  return [
    `The lease of ${hostId} was not renewed for ${gapMs} ms while ${others.join(", ")} was hostile; ` +
      `at most ${gapMsMax} ms are due.`,
  ];
}
