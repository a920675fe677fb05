/** What a host hears: questions of controllers, and what became of its reports. Types only. */

import type { Observation } from "../../../protocol/machine.ts";
import type { Reply } from "../../runtime/system.ts";
import type { EnsureRequest } from "../machine/messages.ts";

/** What concerns the reports to controllers; all that `decide` sees. */
export type ReportEvent =
  | { readonly kind: "started" }
  /** Observations changed; `urgent`: a machine has come to rest, and controllers do not know it yet. */
  | { readonly kind: "changed"; readonly urgent: boolean }
  | { readonly kind: "timer"; readonly timer: ReportTimer }
  | { readonly kind: "registered"; readonly accepted: boolean }
  | { readonly kind: "registerFailed" }
  /** `more`: not everything that had changed was in the report. */
  | { readonly kind: "answered"; readonly known: boolean; readonly more: boolean }
  | { readonly kind: "unanswered" }
  /** What controllers took in under the lease before may have become nobody's: they shall hear all of it. */
  | { readonly kind: "leased" }
  | { readonly kind: "stopping" };

/**
 * `heartbeat` and `inventory` are periods, `passing` waits for a state to pass, `retry` for a controller to
 * come back.
 */
export type ReportTimer = "heartbeat" | "inventory" | "passing" | "retry";

export type HostMessage =
  | {
      readonly kind: "ensure";
      readonly request: EnsureRequest;
      readonly reply: Reply<{ observation: Observation }>;
    }
  | { readonly kind: "report"; readonly event: ReportEvent; readonly incarnation: number }
  /** The host's lease has changed; `anew`: it is another one than before. */
  | { readonly kind: "lease"; readonly anew: boolean }
  /** Something is in the news. */
  | { readonly kind: "news" }
  | {
      readonly kind: "machineEnded";
      readonly instanceId: string;
      readonly how: "stopped" | "failed";
      /** Of the host whose child it was. */
      readonly incarnation: number;
    }
  /** Its supervisor gave the machine up a while ago. */
  | { readonly kind: "revive"; readonly instanceId: string }
  /** All guests go down; answered when they are. */
  | { readonly kind: "stopGuests"; readonly graceMs: number; readonly reply: Reply<undefined> }
  /** The agent ends: the last reports say so; answered when nothing is left to say. */
  | { readonly kind: "leaving"; readonly reply: Reply<undefined> };
