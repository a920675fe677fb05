/**
 * What may still be found for a while after the last fault, and how long it is waited for. Each finding is
 * waited for once; what is found again then is a fault. Pure.
 */
import { catalogLimits } from "../../actors/control/catalog/limits.ts";
import { hostLimits } from "../../actors/node/host/limits.ts";
import type { Quiet } from "../../actors/promises/facts.ts";
import { unfitUploads } from "../../actors/promises/v07-images-as-they-were-recorded.ts";
import { left } from "../../actors/promises/v15-images-of-instances.ts";
import { actorLimits } from "../../actors/runtime/limits.ts";
import { computeLimits } from "../../nodes/compute/limits.ts";
import { storageLimits } from "../../protocol/limits/storage.ts";
import { sharedStorage } from "./quiet.ts";

/** Time for a full report of a host, the answer to it, and the next report. */
const sayingMs = 5_000;
/** From the end of a round that hung to that of the next one. */
export const hangEndsMs = actorLimits.restartBackoffMsMax + sayingMs;
/** From one look of an agent through its copies to the next, with what delays it. */
const tidyMs = computeLimits.consoleTrimPeriodMs + 10_000;
/** A copy that is begun anew, on a slow storage. */
const copyMs = 60_000;
/** A round of the sweep, with what delays it. */
const sweepMs = 20_000;

/** A host that could not write down what it was told is told again when it has said all it knows. */
function drift({ findings }: Quiet, nowMs: number): number | undefined {
  const hasDrift = findings.some(({ kind }) => kind === "drift");
  return hasDrift ? nowMs + hostLimits.inventoryPeriodMs + sayingMs : undefined;
}

/** Until the controllers have looked for disks that nobody owns, those that are left may be there. */
function leftDisks({ remains }: Quiet, nowMs: number): number | undefined {
  const areLeft = remains.some(({ hostId }) => hostId === sharedStorage);
  return areLeft ? nowMs + storageLimits.sweepPeriodMs + sweepMs : undefined;
}

/** That a member of a group is gone, a host that only names the group hears when it asks by itself. */
function behind({ networks = [] }: Quiet, nowMs: number): number | undefined {
  const areBehind = networks.some(({ isBehind }) => isBehind === true);
  return areBehind ? nowMs + hostLimits.networkPullPeriodMs + sayingMs : undefined;
}

/** What is left of a deleted volume a controller has a host remove, in its next round. */
function deletedVolumes({ volumes }: Quiet, nowMs: number): number | undefined {
  const areLeft = (volumes?.deleted ?? []).length > 0;
  return areLeft ? nowMs + catalogLimits.volumeSweepPeriodMs + sweepMs : undefined;
}

/** A copy of a volume is asked for each second, and is as fast as the storage. */
function volumeCopies({ volumes }: Quiet, nowMs: number): number | undefined {
  return (volumes?.copies ?? []).length > 0 ? nowMs + copyMs : undefined;
}

/** A controller looks at its uploads when it starts, and from time to time. */
function unfit({ uploads }: Quiet, nowMs: number): number | undefined {
  if (uploads === undefined || unfitUploads(uploads).length === 0) return undefined;
  return nowMs + catalogLimits.uploadSweepPeriodMs + sweepMs;
}

/** A copy of a disk that no controller asks for any more is forgotten by its host, late. */
function leftCopies(quiet: Quiet, nowMs: number): number | undefined {
  return left(quiet).length > 0 ? nowMs + hostLimits.copyForgottenMs + tidyMs : undefined;
}

/** A file that was sealed for an image that nobody has is removed when it is old enough to be left over. */
function leftFiles({ findings }: Quiet, nowMs: number): number | undefined {
  if (!findings.some(({ subject }) => subject.startsWith("image file "))) return undefined;
  return nowMs + catalogLimits.imageLeftoverMs + catalogLimits.imageSweepPeriodMs + sweepMs;
}

/** Each answers until when to wait; undefined: there is nothing to wait for. In this order. */
export const patience = [
  drift,
  leftDisks,
  volumeCopies,
  deletedVolumes,
  behind,
  unfit,
  leftFiles,
  leftCopies,
] as const;
