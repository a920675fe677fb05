/**
 * Why a deleted instance still has its ports and their addresses: a host of it does not answer, and may run
 * its guest (N1). And what frees them. Pure.
 */
import type { LoadedInstance } from "../../records/instance.ts";
import { opensElsewhere } from "./state.ts";

/** What is known of a host: its name, and why it does not answer; null: it does. */
export interface HeldBy {
  readonly name: string;
  readonly silence: "fenced" | "silent" | null;
}

/** A sentence for people; undefined: nothing is held, or the hosts of it answer and let go of it soon. */
export function stillHeld(
  { instance, claims }: Pick<LoadedInstance, "instance" | "claims">,
  hostOf: (hostId: string) => HeldBy,
): string | undefined {
  const held = [
    ...((instance.interfaces ?? []).length > 0 ? ["its ports and addresses"] : []),
    ...((instance.volumes ?? []).length > 0 ? ["its volumes"] : []),
  ].join(" and ");
  if (instance.desired !== "deleted" || held === "") return undefined;
  for (const { hostId, leaseEpoch } of claims) {
    const { name, silence } = hostOf(hostId);
    if (silence === null) continue;
    const isBound = opensElsewhere(instance) && leaseEpoch > 0;
    const orElse = isBound ? "is fenced" : "is removed as one that is off";
    const what = `${instance.name} is deleted, but the host ${name} is ${silence} and may run its guest`;
    return `${what}: ${held} are free when that host answers, or ${orElse}.`;
  }
  return undefined;
}
