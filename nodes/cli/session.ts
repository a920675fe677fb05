/** The API as commands see it: the SDK. The CLI has no other way into a cluster. Types only. */
import type { Novact } from "../sdk/sdk.ts";

export type Session = Omit<Novact, "cell" | "waitFor" | typeof Symbol.asyncDispose>;

export interface SessionOptions {
  /** Absent: the SDK finds the project (NOVACT_PROJECT, the user's name, the first one of cluster.yaml). */
  readonly project?: string;
  /** Path of cluster.yaml; absent: the default one. */
  readonly config?: string;
  /** How long to try to connect to the bus. */
  readonly connectTimeoutMs?: number;
}

export type Connect = (options: SessionOptions) => Promise<Session>;
