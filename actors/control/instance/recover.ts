/**
 * Recovery: an instance starts elsewhere when a fence proves that its host does not run it any more. Nothing
 * here trusts a silence (I9); the commit checks the proof again, and the proof goes into the instance's
 * operation and events. Pure.
 */

import type { Denial } from "../../../protocol/wire/status.ts";
import type { ClaimRecord, LoadedInstance } from "../../records/instance.ts";
import type { Fence } from "../directory/fence-proof.ts";
import { fenceSentence } from "../directory/fence-proof.ts";
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
import type { CommandEvent, Decision, RecoverEvent } from "./messages.ts";
import { committed, unchanged } from "./observed.ts";
import { opensElsewhere, workEffects } from "./state.ts";
import { localVolume } from "./volumes.ts";

export function decideRecover(loaded: LoadedInstance, event: RecoverEvent): Decision {
  const { instance } = loaded;
  if (!instance.movable || instance.desired === "deleted") return unchanged(loaded);
  if (lostOf(loaded, event.fences).length === 0) return unchanged(loaded);
  const decision = committed(endWhatIsReached(freed(draft(loaded, event.nowMs), event)));
  return { ...decision, effects: workEffects(decision.next) };
}

/**
 * Why an operator cannot evacuate the instance now; undefined: it can be done. The recovery policy is
 * ignored: the operator knows better.
 */
export function evacuationDenied(
  { instance, claims }: LoadedInstance,
  event: CommandEvent,
): Denial | undefined {
  const { id } = instance;
  if (lostOf({ claims }, event.fences ?? []).length === 0) {
    const { host } = event;
    if (host === undefined)
      return { reason: "onNoHost", message: `Cannot evacuate instance ${id}: it is on no host.` };
    const message = `Cannot evacuate instance ${id}: its host ${host.name} is not fenced.`;
    return { reason: "hostNotFenced", message };
  }
  const local = localVolume(instance);
  if (opensElsewhere(instance) && local === undefined) return undefined;
  const what = local === undefined ? "disk" : `volume ${local.volumeId}`;
  const message = `Cannot evacuate instance ${id}: its ${what} is only on ${event.host?.name ?? "its host"}.`;
  return { reason: "diskNotShared", message };
}

interface Lost {
  readonly claim: ClaimRecord;
  readonly fence: Fence;
}

/** Claims that a fence ends, each with it. */
export function lostOf(
  { claims }: Pick<LoadedInstance, "claims">,
  fences: readonly Fence[],
): readonly Lost[] {
  return claims.flatMap((claim) => {
    const fence = fences.find((one) => ends(one, claim));
    return fence === undefined ? [] : [{ claim, fence }];
  });
}

interface Freeing {
  readonly fences?: readonly Fence[];
  /** Of the recovery that begins. Absent: none does, for the instance is to go. */
  readonly operationId?: string;
  readonly nowMs: number;
}

/** Releases the instance's claims on fenced hosts; when one of them owns it, it has no owner any more. */
export function freed(it: Draft, event: Freeing): Draft {
  const { instance } = it.after;
  const lost = lostOf(it.after, event.fences ?? []);
  const released = new Set(lost.map(({ claim }) => claim.ownerEpoch));
  const fences = distinct(lost.map(({ fence: { hostId, leaseEpoch } }) => ({ hostId, leaseEpoch })));
  const rid = { ...it, fences, after: without(it.after, released) };
  const owned = lost.find(
    ({ claim }) => claim.ownerEpoch === instance.ownerEpoch && instance.hostId !== null,
  );
  return owned === undefined ? rid : leave(rid, owned.fence, event);
}

/** Whether the fence ends the claim, which was made under the fenced lease epoch or an earlier one. */
function ends(fence: Fence, claim: ClaimRecord): boolean {
  return fence.hostId === claim.hostId && claim.leaseEpoch > 0 && claim.leaseEpoch <= fence.leaseEpoch;
}

function distinct<T extends { readonly hostId: string }>(fences: readonly T[]): readonly T[] {
  return fences.filter((one, index) => fences.findIndex(({ hostId }) => hostId === one.hostId) === index);
}

function without(loaded: LoadedInstance, epochs: ReadonlySet<number>): LoadedInstance {
  return {
    ...loaded,
    claims: loaded.claims.filter(({ ownerEpoch }) => !epochs.has(ownerEpoch)),
    machines: loaded.machines.filter(({ ownerEpoch }) => !epochs.has(ownerEpoch)),
  };
}

/** Takes the instance from its owner; an operation under way goes on, on the next host. */
function leave(it: Draft, { hostId, hostName, proof }: Fence, event: Freeing): Draft {
  const { instance, operation } = it.after;
  const again = instance.built ? { attempt: 0, excludedHosts: [], failure: null } : {};
  const left = withInstance(it, { hostId: null, ...again });
  const wanted = instance.desired === "running" || instance.desired === "paused";
  const { operationId, nowMs } = event;
  const begun =
    wanted && operation === undefined && instance.built && operationId !== undefined
      ? beginOperation(
          left,
          operationOf(instance, { kind: "recover", operationId, requestId: operationId, nowMs }),
        )
      : left;
  const told = withStep(begun, { step: "hostFenced", percent: 5, message: fenceSentence(proof) });
  return withEvent(told, {
    event: "hostFenced",
    body: { hostId, hostName, ownerEpoch: instance.ownerEpoch, because: fenceSentence(proof) },
  });
}
