/**
 * What the protocol needs of the world, in types only: bytes on subjects, a clock, ids and a log.
 *
 * The bus below is lossy, may double and may reorder; nothing in the protocol may rest on it being better.
 * nodes/bus/nats.ts makes it real, spec/support/memory-bus.ts is the same in memory, and
 * spec/support/bus-contract.ts holds for both. This file must never contain behaviour.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, for people. Nothing is decided by it. */
  nowMs(): number;
  /** Never falls, is not comparable between machines. All deadlines and periods count on it. */
  monotonicMs(): number;
  /** Runs once after at least so many ms; never synchronously. */
  after(ms: number, run: () => void): Timer;
}

/** Time-ordered unique ids (UUID version 7), each a valid subject token. */
export interface Ids {
  next(): string;
}

export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * The transport below everything: bytes on subjects. Lossy, doubling, reordering; nothing may rest on it
 * being better.
 */
export interface Bus {
  /**
   * Rejects with the signal's reason when it is aborted.
   * @throws UNAVAILABLE noResponders (not executed) or notConnected; DEADLINE_EXCEEDED timeout (may have been
   * executed); PERMISSION_DENIED projectMismatch; INVALID_ARGUMENT bodyTooLarge
   */
  request(subject: string, message: BusMessage, timeoutMs: number, signal?: AbortSignal): Promise<BusMessage>;
  /** Fire and forget; lost when not connected. */
  publish(subject: string, message: BusMessage): void;
  /**
   * One handler per pattern; with a queue, each message goes to one member. The handler must not throw;
   * undefined: no answer.
   */
  serve(pattern: string, queue: string | undefined, handler: BusHandler): BusSubscription;
}

export interface BusMessage {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}
export type BusHandler = (subject: string, message: BusMessage) => Promise<BusMessage | undefined>;
export interface BusSubscription {
  /** Takes no further message; resolves when every handler that was running has answered. */
  drain(): Promise<void>;
}
