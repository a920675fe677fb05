/** What can become of a frame, and what it is decided by. */

import type { Spoof } from "./filter/anti-spoofing.ts";
import { type Denial, type FlowMemory, judge, type Passage } from "./filter/judge.ts";
import type { JudgedPacket } from "./filter/read-packet.ts";
import type { Frame } from "./frames/ethernet.ts";
import type { IpPacket } from "./frames/ip.ts";
import type { Plan, PlannedNetwork, PlannedPort } from "./planned.ts";

export type DropReason =
  | Denial
  | "closed"
  | "malformed"
  | "tooLarge"
  | Spoof
  | "etherType"
  | "discovery"
  | "dhcp"
  | "unknownAddress"
  | "broadcast"
  | "unknownMac"
  /** By a router: of a kind or an address that none routes; no way; nobody there; passed too many routers. */
  | "unrouted"
  | "noRoute"
  | "noHost"
  | "noPort"
  | "expired"
  /** By a router: nobody may reach that outside, or there is no way out at the moment. */
  | "notOutside"
  | "noExit"
  /** Of another host: it is of a network that has no port here, or of a port that is not on that host. */
  | "unknownNetwork"
  | "unknownSender"
  | "notHere"
  /** A fault of ours. */
  | "fault";

export type Outcome =
  /** `frames`: in the place of the one that has come. */
  | { readonly kind: "deliver"; readonly to: string; readonly frames?: readonly Buffer[] }
  /** Goes back to the sender; `reason`: why its frame was dropped. */
  | { readonly kind: "answer"; readonly frame: Buffer; readonly reason?: DropReason }
  /** The guest asks for metadata. */
  | { readonly kind: "serve"; readonly frame: Frame; readonly packet: IpPacket; readonly mtuBytes: number }
  | { readonly kind: "drop"; readonly reason: DropReason; readonly to?: string };

export interface World {
  readonly plan: Plan;
  readonly memory: FlowMemory;
  /** Whether nobody may be reached at an address outside; absent: at any. */
  readonly isBarred?: (address: string) => boolean;
}

export interface FarWorld extends World {
  /** By number. */
  readonly networks: ReadonlyMap<number, PlannedNetwork>;
}

/** A packet of a guest of this computer. */
export interface Sent extends JudgedPacket {
  readonly port: PlannedPort;
  readonly frame: Frame;
}

export const drop = (reason: DropReason): Outcome => ({ kind: "drop", reason });

/** Undefined: it passes. */
export function refusalOf(memory: FlowMemory, passage: Passage, nowMs: number): Outcome | undefined {
  const reason = judge(memory, passage, nowMs);
  if (reason === undefined) return undefined;
  return reason === "ingressRule" ? { kind: "drop", reason, to: passage.to.portId } : drop(reason);
}
