/**
 * What has become of the frames of each port, so that people can see why something does not arrive. Counts
 * begin with the process, and those of a port end with its plug.
 */
import type { DropReason } from "./outcome.ts";

/** `queueFull`: the guest does not read; `notConnected`: there is none, or not yet. */
export type DropCause =
  | DropReason
  | "egressLimit"
  | "ingressLimit"
  | "queueFull"
  | "notConnected"
  | "notSent";

interface Count {
  frames: number;
  bytes: number;
}

export class PortCounters {
  readonly sent: Count = { frames: 0, bytes: 0 };
  readonly received: Count = { frames: 0, bytes: 0 };
  /** Questions that the switch itself has answered. */
  answered = 0;
  /**
   * Number of frames by cause: those that the port sent, and those that it was to receive (`ingressRule`,
   * `ingressLimit`, `queueFull`, `notConnected`).
   */
  readonly dropped: Partial<Record<DropCause, number>> = {};

  drop(reason: DropCause): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1;
  }
}

export function count(counter: Count, frame: Buffer): void {
  counter.frames += 1;
  counter.bytes += frame.length;
}
