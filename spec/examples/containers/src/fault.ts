/**
 * What goes wrong below the drivers. A shim raises it as well and knows nothing of novact, so that a shim is
 * small and its package is all that it needs to be found.
 */
export class Fault extends Error {
  readonly reason: "guestFailed" | "hypervisorRefused";

  constructor(reason: Fault["reason"], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
