/** Messages between `up` and the processes that it started, over their private channel. Types only. */

/** From `up` to a controller or compute node. */
export interface ShutdownMessage {
  readonly kind: "shutdown";
  /** For compute nodes: true: shut the guests down as well; false: they run on. */
  readonly guests: boolean;
  /** How long guests may take to power down by themselves; then they are halted. */
  readonly patienceMs: number;
}

/** From a process to `up`. */
export type ChildMessage =
  | { readonly kind: "ready" }
  /** The process cannot start; the message is for people, the code one of the protocol's. */
  | { readonly kind: "failed"; readonly message: string; readonly code: string };

export function isShutdown(message: unknown): message is ShutdownMessage {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "shutdown";
}

export function isChildMessage(message: unknown): message is ChildMessage {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  return message.kind === "ready" || message.kind === "failed";
}
