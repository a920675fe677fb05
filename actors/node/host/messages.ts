/** What the host actor hears: questions of controllers, and the outcomes of its reports. Types only. */

import type { Observation } from "../../../protocol/machine.ts";
import type { Reply } from "../../runtime/system.ts";
import type { EnsureRequest } from "../machine/messages.ts";

/** Events about the reports to controllers: all that `decide` sees. */
export type ReportEvent =
  | { readonly kind: "started" }
  /** Observations changed; `urgent`: a machine has come to rest, and controllers do not know it yet. */
  | { readonly kind: "changed"; readonly urgent: boolean }
  | { readonly kind: "timer"; readonly timer: ReportTimer }
  | { readonly kind: "registered"; readonly accepted: boolean }
  | { readonly kind: "registerFailed" }
  /** `more`: not every changed observation fitted into the report. */
  | { readonly kind: "answered"; readonly known: boolean; readonly more: boolean }
  | { readonly kind: "unanswered" }
  /**
   * The host holds another lease epoch: another host may have taken over what was reported under the last
   * one, so every observation is reported again.
   */
  | { readonly kind: "leased" }
  | { readonly kind: "stopping" };

/**
 * `heartbeat` and `inventory` are periods; `passing` waits whether a passing state lasts, `retry` for a
 * controller to answer again.
 */
export type ReportTimer = "heartbeat" | "inventory" | "passing" | "retry";

export type HostMessage =
  | {
      readonly kind: "ensure";
      readonly request: EnsureRequest;
      /** Of the command that it belongs to, for the log. */
      readonly requestId?: string;
      readonly reply: Reply<{ observation: Observation }>;
    }
  | { readonly kind: "report"; readonly event: ReportEvent; readonly incarnation: number }
  /** The host lease has changed; `anew`: to another lease epoch. */
  | { readonly kind: "lease"; readonly anew: boolean }
  /** Machines have changed: read the pending news. */
  | { readonly kind: "news" }
  | {
      readonly kind: "machineEnded";
      readonly instanceId: string;
      readonly how: "stopped" | "failed";
      /** Incarnation of the host actor whose child it was. */
      readonly incarnation: number;
    }
  /** A machine's actor was given up a while ago: start another one. */
  | { readonly kind: "revive"; readonly instanceId: string }
  /** Shut all guests down; answered when they are down. */
  | { readonly kind: "stopGuests"; readonly graceMs: number; readonly reply: Reply<undefined> }
  /** The agent ends: report so, and answer when every observation is stored. */
  | { readonly kind: "leaving"; readonly reply: Reply<undefined> };
