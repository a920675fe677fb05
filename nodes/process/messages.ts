/** Messages between `up` and the processes that it started, over their private channel. Types only. */
import type { Measured } from "../../actors/runtime/counting-meter.ts";

/** From `up` to a controller or compute node. */
export interface ShutdownMessage {
  readonly kind: "shutdown";
  /** For compute nodes: true: shut the guests down as well; false: they run on. */
  readonly guests: boolean;
  /** How long guests may take to power down by themselves; then they are halted. */
  readonly patienceMs: number;
}

/** From `up`: asks what the process has counted. */
export interface MeasureMessage {
  readonly kind: "measure";
  /** Of this question; the answer has the same. */
  readonly number: number;
}

/** What a thread has counted. */
export interface ThreadMeasured {
  readonly thread: string;
  /** Null: it did not answer in time. */
  readonly measured: readonly Measured[] | null;
}

/** From a process to `up`. */
export type ChildMessage =
  | { readonly kind: "ready" }
  /** The process cannot start; the message is for people, the code one of the protocol's. */
  | { readonly kind: "failed"; readonly message: string; readonly code: string };

/** From a process to `up`: the answer to a {@link MeasureMessage}. */
export interface MeasuredMessage {
  readonly kind: "measured";
  readonly number: number;
  readonly threads: readonly ThreadMeasured[];
}

export const isShutdown = (message: unknown): message is ShutdownMessage => isOf(message, "shutdown");

export const isMeasure = (message: unknown): message is MeasureMessage => isOf(message, "measure");

export const isMeasured = (message: unknown): message is MeasuredMessage => isOf(message, "measured");

export const isChildMessage = (message: unknown): message is ChildMessage => isOf(message, "ready", "failed");

const isOf = (message: unknown, ...kinds: readonly string[]): boolean =>
  typeof message === "object" &&
  message !== null &&
  "kind" in message &&
  typeof message.kind === "string" &&
  kinds.includes(message.kind);
