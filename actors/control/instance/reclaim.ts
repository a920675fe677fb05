/**
 * A claim under the host lease that its host holds now. The commit refuses it when the host does not hold
 * that lease epoch (any more). Pure.
 */
import { isDown } from "../../../protocol/states.ts";
import type { Draft } from "./change.ts";
import { currentMachine, opensElsewhere } from "./state.ts";

/**
 * Makes the claim anew when its host was fenced and is back, under a newer host lease, before the instance
 * went elsewhere: the host waits for a claim under that lease epoch. Answers the same draft when there is no
 * need.
 */
export function reclaimed(it: Draft, leaseEpoch: number): Draft {
  const { instance, claims } = it.after;
  const claim = claims.find(({ ownerEpoch }) => ownerEpoch === instance.ownerEpoch);
  if (claim === undefined || claim.hostId !== instance.hostId || !opensElsewhere(instance)) return it;
  // A claim without a lease epoch: the host was never told to stop its guest when a host lease ends.
  if (claim.leaseEpoch === 0 || claim.leaseEpoch >= leaseEpoch || !isDown(currentMachine(it.after)?.state))
    return it;
  const renewed = claims.map((one) => (one === claim ? { ...one, leaseEpoch } : one));
  return { ...it, after: { ...it.after, claims: renewed } };
}
