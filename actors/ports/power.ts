/** The power of hosts, switched from outside, as a controller sees it. Types only. */

/** The controller of a host's power said that the host is off, and went on saying so. */
export interface PowerProof {
  readonly kind: "redfish" | "ipmi";
  /** Where the controller is. Never a user or a password. */
  readonly at: string;
  /** What it said last, in its own words. */
  readonly said: string;
  /** From the call until this was proved. */
  readonly tookMs: number;
}

/**
 * Switches hosts off from outside, by the controllers of their power (BMCs). Whoever has a proof may give
 * what ran on the host to another one (I9); an order that was accepted proves nothing.
 */
export interface PowerFence {
  /**
   * Switches the host off and resolves with what the controller of its power said when it is proved off.
   * Idempotent: a host that is off already stays so. Ends early with an AbortError when its signal is
   * aborted; the host may be off then. @throws StatusError powerControlMissing, powerControlRefused,
   * powerControlUntrusted (nothing was switched); powerControlFailed, powerNotOff (may have been)
   */
  off(hostName: string, signal: AbortSignal): Promise<PowerProof>;
  /** Whether the host has a controller of its power that we know. */
  has(hostName: string): boolean;
}
