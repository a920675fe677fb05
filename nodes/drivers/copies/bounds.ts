/**
 * The bounds of a copy of a disk: the room that has to be free for it, and the time that it may take. What is
 * beyond them says nothing of the disk, which must never be called unusable for that. Pure.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { imageLimits } from "../images/limits.ts";
import { refusalOf, type ToolEnd, verdictOf } from "../images/tool-end.ts";

export interface DiskBytes {
  /** What its own file takes. */
  readonly own: number;
  /** What the image below it takes; 0: there is none. */
  readonly base: number;
  /** Its size, as the guest sees it. */
  readonly virtual: number;
}

/** Bytes of a copy at most: it has no image below it, so the blocks of overlay and image are in one file. */
export const copyBytes = ({ own, base, virtual }: DiskBytes): number =>
  Math.max(own, Math.min(own + base, virtual));

/** As the deadline of the operation that makes an image counts; 24 days at most, as a timer can have. */
export const copyTimeoutMs = (virtualBytes: number): number =>
  Math.min(imageLimits.diskCopyMsMin + Math.ceil(virtualBytes / imageLimits.diskCopyBytesPerMs), timerMsMax);

/** A later timer goes off at once. */
const timerMsMax = 2 ** 31 - 1;

/** The failure of a copy by a tool that has ended so. */
export function copyFailure(end: ToolEnd): StatusError {
  const detail = end.errors.trim();
  if (verdictOf(end) === "full")
    return new StatusError("diskFull", "The host has no room for a copy of the disk.", { detail });
  // The bound of its processor time is that of its time.
  if (end.isLate || end.endSignal === "SIGXCPU")
    return new StatusError("operationTimeout", "Copying the disk took too long, and was ended.", { detail });
  return refusalOf(end, { why: "QEMU cannot read the disk", doing: "Copying a disk" });
}
