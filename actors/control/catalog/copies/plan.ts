/**
 * What is to be done for an image that is made of an instance's root disk, from what its row, its upload, the
 * instance and the host say at one moment. Nothing is remembered between two looks: whoever comes after a
 * controller that died goes on from there. What a host says is believed only within what was claimed for the
 * image; what it sends is inspected as every upload is. Pure.
 */
import type { DiskCopy } from "../../../../protocol/host-images.ts";
import type { image } from "../../../../protocol/image.ts";
import type { Refusal } from "../../../../protocol/image-bytes.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { UploadFrom, UploadStatus } from "../../../ports/image-uploads.ts";
import type { InstanceRecord, OperationRecord } from "../../../records/instance.ts";
import { catalogLimits } from "../limits.ts";
import type { Stage } from "./operation.ts";

type Row = Pick<RowOf<typeof image>, "state" | "holder" | "sizeBytes" | "refusal">;
type Instance = Pick<InstanceRecord, "id" | "hostId" | "ownerEpoch" | "desired">;

export interface Seen {
  readonly operation: Pick<OperationRecord, "deadlineAtMs">;
  /** The image's; undefined: it was deleted. */
  readonly row: Row | undefined;
  /** The image's upload on the controller that looks. */
  readonly status: UploadStatus | null;
  readonly instance: Instance | undefined;
  /** Who looks. */
  readonly server: string;
  readonly nowMs: number;
}

/** `fail`: the row is settled. `giveUp`: the row waits for bytes that will not come. */
export type Look =
  | { readonly kind: "nothing" | "done" }
  | { readonly kind: "fail" | "giveUp"; readonly why: Refusal }
  | { readonly kind: "verifying" }
  | { readonly kind: "ask"; readonly from: UploadFrom };

export function look({ operation, row, status, instance, server, nowMs }: Seen): Look {
  if (row === undefined) return fail("imageNotFound", "The image was deleted before it was made.");
  if (row.state === "active" || row.state === "deactivated") return { kind: "done" };
  if (row.state === "queued") return { kind: "fail", why: row.refusal ?? interrupted };
  const isOwn = row.holder === server;
  if (row.state === "importing") return { kind: isOwn ? "verifying" : "nothing" };
  if (nowMs > operation.deadlineAtMs + (isOwn ? 0 : storageLimits.uploadKeptMs))
    return { kind: isOwn ? "giveUp" : "fail", why: why("operationTimeout", "The copy took too long.") };
  // Without the record of its upload the row is settled by whoever settles those of all uploads.
  if (!isOwn || status?.from === undefined) return { kind: "nothing" };
  const { from } = status;
  if (instance === undefined || instance.desired === "deleted")
    return giveUp("copyLost", "The instance was deleted before its disk was copied.");
  if (instance.hostId !== from.hostId || instance.ownerEpoch !== from.ownerEpoch)
    return giveUp("copyLost", "The instance has left the host on which its disk was copied.");
  return { kind: "ask", from };
}

export type Next =
  | { readonly kind: "wait"; readonly stage: Stage }
  | { readonly kind: "giveUp"; readonly why: Refusal }
  /** The host is to be told where to send it. */
  | { readonly kind: "offer"; readonly sizeBytes: number; readonly stage: Stage }
  | { readonly kind: "complete"; readonly sizeBytes: number; readonly sha256: string };

export interface Answered {
  readonly copy: DiskCopy;
  readonly row: Pick<Row, "sizeBytes">;
  readonly status: Pick<UploadStatus, "nextOffset">;
}

export function afterAnswer({ copy, row, status: { nextOffset } }: Answered): Next {
  const { state, sizeBytes, sha256, failure } = copy;
  if (state === "failed") return { kind: "giveUp", why: failure ?? lost };
  if (sizeBytes === undefined || sha256 === undefined || sizeBytes === 0) {
    // A copy that was begun anew is another one: what has come of the last is not its beginning.
    if (nextOffset > 0) return { kind: "giveUp", why: lost };
    return { kind: "wait", stage: { step: "copying", percent: share(copy.doneBytes, copy.totalBytes, 50) } };
  }
  if (sizeBytes > (row.sizeBytes ?? 0))
    return giveUp("uploadTooLarge", "The copy is larger than what was claimed for the image.");
  if (nextOffset >= sizeBytes) return { kind: "complete", sizeBytes, sha256 };
  const stage = { step: "sending", percent: 50 + share(nextOffset, sizeBytes, 40) } as const;
  return state === "sending" ? { kind: "wait", stage } : { kind: "offer", sizeBytes, stage };
}

/** What silence of a host, or its refusal, means; undefined: it is asked again. */
export function afterRefusal(
  { reason, message }: Refusal,
  { code, silentMs }: { readonly code: string; readonly silentMs: number },
): Refusal | undefined {
  const passes = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"].includes(code);
  if (!passes) return { reason, message };
  if (silentMs <= catalogLimits.copyHostSilentMsMax) return undefined;
  return why("copyLost", "The host on which the disk was copied has not answered for too long.");
}

const share = (done: number, all: number, percent: number): number =>
  all <= 0 ? 0 : Math.floor(Math.min(1, done / all) * percent);

const why = (reason: string, message: string): Refusal => ({ reason, message });
const fail = (reason: string, message: string): Look => ({ kind: "fail", why: why(reason, message) });
const giveUp = (reason: string, message: string) => ({ kind: "giveUp", why: why(reason, message) }) as const;

const lost = why("copyLost", "The copy was ended before it was sent as a whole: its agent was ended.");
const interrupted = why("uploadInterrupted", "What was sent of the copy was lost.");
