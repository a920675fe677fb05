/**
 * The ports that the protocol needs: a bus (bytes on subjects), a clock, ids, a log and a meter. Types only.
 *
 * The bus may lose, double and reorder messages, and nothing in the protocol may rely on a better one.
 * nodes/bus/nats.ts implements it on NATS, spec/support/memory-bus.ts in memory, and both pass
 * spec/support/bus-contract.ts. This file must never contain behaviour.
 */
import type { Code } from "./reasons.ts";

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time in ms, for people. No decision rests on it. */
  nowMs(): number;
  /**
   * Monotonic time in ms: never falls, and is not comparable between computers. All deadlines and periods use
   * it.
   */
  monotonicMs(): number;
  /** Calls `run` once, after at least `ms`; never synchronously. */
  after(ms: number, run: () => void): Timer;
}

/** Time-ordered unique ids (UUID version 7), each a valid subject token; ids.ts makes them. */
export interface Ids {
  next(): string;
}

export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Counts the calls of a server. It never throws. */
export interface CallMeter {
  /** A request was answered. `method`: `<noun>.<method>`; undefined: its subject names none that there is. */
  answered(method: string | undefined, code: "OK" | Code, tookMs: number): void;
  /** A message was not let in by the door. */
  keptOut(how: "refused" | "dropped"): void;
}

/**
 * The transport: bytes on subjects. Messages may be lost, doubled and reordered; nothing may rely on a better
 * bus.
 */
export interface Bus {
  /**
   * Sends a request and resolves with its answer. Rejects with the signal's reason when the signal is
   * aborted.
   * @throws UNAVAILABLE noResponders (not executed) or notConnected; DEADLINE_EXCEEDED timeout (may have been
   * executed); PERMISSION_DENIED projectMismatch; INVALID_ARGUMENT bodyTooLarge
   */
  request(subject: string, message: BusMessage, timeoutMs: number, signal?: AbortSignal): Promise<BusMessage>;
  /** Sends without waiting; the message is lost when the bus is not connected. */
  publish(subject: string, message: BusMessage): void;
  /**
   * Registers one handler for a pattern; within a queue, each message goes to one member. The handler must
   * not throw; undefined: no answer is sent. The door, if there is one, is asked about each message first;
   * behind it are requests only: what was published, so that its answer could go nowhere, is not handled.
   */
  serve(pattern: string, queue: string | undefined, handler: BusHandler, door?: BusDoor): BusSubscription;
}

/** Decides about messages before they are read. Both functions are cheap, synchronous, and never throw. */
export interface BusDoor {
  /**
   * `take`: the handler gets the message. `refuse`: it is answered with `refusal`. `drop`: nothing is done.
   * `bytes`: of the body and the headers.
   */
  admit(subject: string, bytes: number): "take" | "refuse" | "drop";
  /** The ready-made answer to a message that is refused. */
  refusal(body: Uint8Array): BusMessage;
}

export interface BusMessage {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}
/** Answers a message once, or several times: discovery speaks for many services. */
export type BusHandler = (
  subject: string,
  message: BusMessage,
) => Promise<BusMessage | readonly BusMessage[] | undefined>;
export interface BusSubscription {
  /**
   * Takes no further message, as soon as subscriptions that began before are heard; resolves when all running
   * handlers have answered.
   */
  drain(): Promise<void>;
}
