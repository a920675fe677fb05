/**
 * What is to be done with the copies of root disks on a host, by value: one is made at a time, in the order
 * in which they were asked for, and one that nobody asks for any more goes. Pure.
 */
import type { DiskCopy } from "../../../protocol/host-images.ts";
import type { Refusal } from "../../../protocol/image-bytes.ts";
import type { KeptCopy } from "../../ports/disk-copies.ts";
import { hostLimits } from "./limits.ts";

export interface CopyState {
  readonly imageId: string;
  readonly state: DiskCopy["state"];
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly kept?: KeptCopy | undefined;
  readonly failure?: Refusal | undefined;
  /** When it was last asked for. */
  readonly askedAtMs: number;
}

/** The one to begin now; undefined: none, or one is being made. */
export function nextToCopy(copies: Iterable<CopyState>): string | undefined {
  const all = [...copies];
  if (all.some(({ state }) => state === "copying")) return undefined;
  return all.find(({ state }) => state === "waiting")?.imageId;
}

/** Copies whose controller is gone, or has forgotten them: their images. */
export const forgotten = (copies: Iterable<CopyState>, nowMs: number): readonly string[] =>
  [...copies].flatMap(({ imageId, askedAtMs }) =>
    nowMs - askedAtMs > hostLimits.copyForgottenMs ? [imageId] : [],
  );

export const copyView = ({ state, doneBytes, totalBytes, kept, failure }: CopyState): DiskCopy => ({
  ...{ state, doneBytes, totalBytes },
  ...(kept === undefined ? {} : { sizeBytes: kept.sizeBytes, sha256: kept.sha256 }),
  ...(failure === undefined ? {} : { failure }),
});
