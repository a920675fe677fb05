/** What a fault that was injected looks like, or one that was refused. Types and an error; nothing else. */

/** The fault cannot be injected here or now; the message says why. */
export class FaultRefused extends Error {
  override readonly name = "FaultRefused";
}

export interface Injected {
  /** What was hit. */
  readonly note: string;
  /** Makes it whole again. Idempotent. */
  readonly heal: () => Promise<void>;
}
