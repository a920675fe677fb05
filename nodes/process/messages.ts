/** What `up` and the processes it started tell each other over their private channel. Types only. */

/** From `up` to a controller or compute node. */
export interface ShutdownMessage {
  readonly kind: "shutdown";
  /** Compute nodes: guests are powered down as well; else they run on. */
  readonly guests: boolean;
  /** Guests get so long to power down by themselves; then they are halted. */
  readonly patienceMs: number;
}

/** To `up`. */
export type ChildMessage =
  | { readonly kind: "ready" }
  /** It cannot start; the message is for people. */
  | { readonly kind: "failed"; readonly message: string };

export function isShutdown(message: unknown): message is ShutdownMessage {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "shutdown";
}

export function isChildMessage(message: unknown): message is ChildMessage {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  return message.kind === "ready" || message.kind === "failed";
}
