/**
 * What follows from a fence: an instance whose host is proved not to run it any more starts elsewhere.
 * Nothing here believes a silence (I9); the
 * proof is checked again by the commit, and goes into the instance's operation and events. Pure.
 */

import { fenceSentence } from "../runtime/fence-proof.ts";
import type { ClaimRecord, LoadedInstance } from "../runtime/records.ts";
import {
  beginOperation,
  type Draft,
  draft,
  endWhatIsReached,
  withEvent,
  withInstance,
  withStep,
} from "./change.ts";
import { operationOf } from "./command.ts";
import type { Decision, Fence, RecoverEvent } from "./messages.ts";
import { committed, unchanged } from "./observed.ts";
import { workEffects } from "./state.ts";

export function decideRecover(loaded: LoadedInstance, event: RecoverEvent): Decision {
  const { instance, claims } = loaded;
  if (!instance.movable || instance.desired === "deleted") return unchanged(loaded);
  const lost = claims.flatMap((claim) => {
    const fence = event.fences.find((one) => ends(one, claim));
    return fence === undefined ? [] : [{ claim, fence }];
  });
  const [first] = lost;
  if (first === undefined) return unchanged(loaded);
  const released = new Set(lost.map(({ claim }) => claim.epoch));
  const fences = lost.map(({ fence: { hostId, epoch } }) => ({ hostId, epoch }));
  const it = draft(loaded, event.nowMs);
  const freed = { ...it, fences: distinct(fences), after: without(it.after, released) };
  const owned = lost.find(({ claim }) => claim.epoch === instance.epoch && instance.hostId !== null);
  const moved = owned === undefined ? freed : leave(freed, owned.fence, event);
  const decision = committed(endWhatIsReached(moved));
  return { ...decision, effects: workEffects(decision.next) };
}

/** The claim was made under the lease that the fence ended, or under one before it. */
function ends(fence: Fence, claim: ClaimRecord): boolean {
  return fence.hostId === claim.hostId && claim.leaseEpoch > 0 && claim.leaseEpoch <= fence.epoch;
}

function distinct<T extends { readonly hostId: string }>(fences: readonly T[]): readonly T[] {
  return fences.filter((one, index) => fences.findIndex(({ hostId }) => hostId === one.hostId) === index);
}

function without(loaded: LoadedInstance, epochs: ReadonlySet<number>): LoadedInstance {
  return {
    ...loaded,
    claims: loaded.claims.filter(({ epoch }) => !epochs.has(epoch)),
    machines: loaded.machines.filter(({ epoch }) => !epochs.has(epoch)),
  };
}

/** Nobody owns it; what is under way goes on, on the next host. */
function leave(it: Draft, { hostId, hostName, proof }: Fence, event: RecoverEvent): Draft {
  const { instance, operation } = it.after;
  const again = instance.built ? { attempt: 0, excludedHosts: [], failure: null } : {};
  const left = withInstance(it, { hostId: null, ...again });
  const wanted = instance.desired === "running" || instance.desired === "paused";
  const { operationId, nowMs } = event;
  const begun =
    wanted && operation === undefined && instance.built
      ? beginOperation(
          left,
          operationOf(instance, { kind: "recover", operationId, requestId: operationId, nowMs }),
        )
      : left;
  const told = withStep(begun, { step: "hostFenced", percent: 5, message: fenceSentence(proof) });
  return withEvent(told, {
    event: "hostFenced",
    body: { hostId, hostName, because: fenceSentence(proof) },
  });
}
