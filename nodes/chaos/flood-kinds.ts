/** What a flood is made of, and what its sender is told and tells. Data only. */
import type { NatsCredentials } from "../bus/credentials.ts";

/** What chaos floods a cluster with: these need no instances, and leave none. */
export const chaosFloodKinds = ["questions", "large", "small", "connections", "polls"] as const;
export type ChaosFloodKind = (typeof chaosFloodKinds)[number];
export type FloodKind = ChaosFloodKind | "consoles" | "creates";

/** The effect of each kind, for people. */
export const floodMeanings: Readonly<Record<FloodKind, string>> = {
  questions: "$SRV.INFO and $SRV.PING, empty",
  large: "bodies as large as the server lets through, at most 8 MiB, on three connections",
  small: "200 bytes that are no request",
  connections: "as many connections as asked for, held open, each with a subscription",
  polls: "long polls for events, asked again as soon as they are answered",
  consoles: "long polls for consoles, asked again as soon as they are answered",
  creates: "creates of 1,000 instances at once",
};

export interface FloodTask {
  readonly kind: FloodKind;
  readonly credentials: NatsCredentials;
  readonly cell: string;
  readonly project: string;
  readonly seconds: number;
  /** Messages or connections in one second; absent: as many as one sender gets out. */
  readonly perSecondMax?: number;
  /** Connections, polls under way, or creates; absent: the kind's own number. */
  readonly amount?: number;
  /** The subject of all messages in place of the kind's own: one that nobody hears, for a control run. */
  readonly subject?: string;
  /** Instances of the project, for `consoles`. */
  readonly instances?: readonly string[];
  /** Flavor and image of the instances, for `creates`. */
  readonly wanted?: { readonly flavor: string; readonly image: string; readonly count: number };
}

export interface FloodReport {
  readonly seconds: number;
  readonly sent: number;
  readonly perSecond: number;
  readonly bytes: number;
  /** Most connections that were open at once. */
  readonly connections: number;
  /** Answers, by the reason of their error; `ok`: those without one. */
  readonly answers: Readonly<Record<string, number>>;
  /** What the server or the client library refused, by its code. */
  readonly refused: Readonly<Record<string, number>>;
}
