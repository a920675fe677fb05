/** The API as commands see it: what the SDK gives. The CLI has no other way into a cluster. Types only. */
import type { Novact } from "../sdk/sdk.ts";

export type Session = Omit<Novact, "cell" | "waitFor" | typeof Symbol.asyncDispose>;

export interface SessionOptions {
  /** Absent: as the SDK finds it (NOVACT_PROJECT, the user's name, the first of cluster.yaml). */
  readonly project?: string;
  /** cluster.yaml; absent: the default one. */
  readonly config?: string;
  /** How long to try to reach the bus. */
  readonly connectTimeoutMs?: number;
}

export type Connect = (options: SessionOptions) => Promise<Session>;
