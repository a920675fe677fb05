/**
 * A claim under the lease that its host holds now. The commit refuses it when the host does not hold that
 * lease (any more). Pure.
 */
import { isDown } from "../../../protocol/states.ts";
import type { Draft } from "./change.ts";
import { currentMachine, opensElsewhere } from "./state.ts";

/**
 * Its host was fenced and is back, under a newer lease, before it went elsewhere: the claim is made anew
 * under that lease, which is what the host waits for. The same draft when there is no need.
 */
export function reclaimed(it: Draft, leaseEpoch: number): Draft {
  const { instance, claims } = it.after;
  const claim = claims.find(({ epoch }) => epoch === instance.epoch);
  if (claim === undefined || claim.hostId !== instance.hostId || !opensElsewhere(instance)) return it;
  // A claim without a lease is of a guest that its host was never told to stop without one.
  if (claim.leaseEpoch === 0 || claim.leaseEpoch >= leaseEpoch || !isDown(currentMachine(it.after)?.state))
    return it;
  const renewed = claims.map((one) => (one === claim ? { ...one, leaseEpoch } : one));
  return { ...it, after: { ...it.after, claims: renewed } };
}
