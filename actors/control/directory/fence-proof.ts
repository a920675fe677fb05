/**
 * Fence proofs: why a lost host certainly no longer runs its guests (I9), and the sentence that says so. A
 * bare timeout is no proof. Pure; it must never put an address into a sentence, since every project that had
 * an instance on the host may read it.
 */
import type { FenceProof } from "../../../protocol/fence.ts";
import type { PowerProof } from "../../ports/power.ts";

const controlNames: Readonly<Record<string, string>> = { redfish: "Redfish", ipmi: "IPMI" };

/** A clause that can follow "because": public, no full stop. Times count back from the proof. */
export function fenceSentence(proof: FenceProof): string {
  switch (proof.kind) {
    case "lease": {
      const ended = `the lease of epoch ${proof.leaseEpoch} was not renewed for ${duration(proof.silentMs)}`;
      return `${ended} and its guard time of ${duration(proof.guardMs)} has passed`;
    }
    case "storage": {
      const taken = `the host ${proof.takenBy} took its lease of epoch ${proof.leaseEpoch} on their shared storage`;
      return `${taken}, which nothing of it held any more`;
    }
    case "power":
      return `the controller of its power (${controlNames[proof.control] ?? proof.control}) says that it is off: ${proof.said}`;
    case "operator":
      return `the operator ${proof.by} confirmed that ${proof.confirmedName} is off: ${proof.reason}`;
  }
}

/** The fence proof from the word of a host's power controller. */
export function ofPower({ kind: control, at: address, said, tookMs }: PowerProof, atMs: number): FenceProof {
  return { kind: "power", control, address, said, tookMs, atMs };
}

/** In seconds with one digit, or minutes where that reads better. Rounded up. */
function duration(ms: number): string {
  const tenths = Math.ceil(ms / 100);
  if (tenths < 600) return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)} s`;
  const seconds = Math.ceil(ms / 1_000);
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? "" : ` ${rest} s`}`;
}

export interface Fence {
  readonly hostId: string;
  readonly hostName: string;
  readonly leaseEpoch: number;
  readonly proof: FenceProof;
}
