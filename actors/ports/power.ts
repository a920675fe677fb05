/** The power of hosts, switched from outside, as a controller sees it. Types only. */

/** Proof that a host is off: the controller of its power (BMC) said so, and went on saying so. */
export interface PowerProof {
  /** `redfish`, `ipmi`, or the name of a plug-in's driver. */
  readonly kind: string;
  /** Address of the power controller. Never a user or a password. */
  readonly at: string;
  /** The power controller's last answer, verbatim. */
  readonly said: string;
  /** Time from the call of `off` to this proof. */
  readonly tookMs: number;
}

/**
 * Switches hosts off from outside, by the controllers of their power (BMCs). A proof allows another host to
 * take over what ran on this one (I9); an order that was accepted proves nothing.
 */
export interface PowerFence {
  /**
   * Switches the host off and resolves with what the controller of its power said when it is proved off.
   * Idempotent: a host that is off already stays so. Ends early with an AbortError when its signal is
   * aborted; the host may be off then. @throws StatusError powerControlMissing, powerControlRefused,
   * powerControlUntrusted (nothing was switched); powerControlFailed, powerNotOff (may have been)
   */
  off(hostName: string, signal: AbortSignal): Promise<PowerProof>;
  /** Whether a power controller of the host is configured. */
  has(hostName: string): boolean;
}
