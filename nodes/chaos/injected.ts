/** An injected fault, and the error of a refused one. Types and an error; nothing else. */

/** The fault cannot be injected here or now; the message says why. */
export class FaultRefused extends Error {
  override readonly name = "FaultRefused";
  readonly code = "INVALID_ARGUMENT";
}

export interface Injected {
  /** The process or link that was hit. */
  readonly note: string;
  /** Ends the fault. Idempotent. */
  readonly heal: () => Promise<void>;
}
