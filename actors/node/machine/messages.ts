/**
 * What a machine hears. An event is a fact with its moment and is all that `decide` sees; a message is an
 * event on its way through the mailbox, with the reply of a question or the incarnation whose effect it is
 * the result of. Types only: this file must never contain behaviour.
 */
import type { hostAgentService, Observation } from "../../../protocol/machine.ts";
import type { RequestOf } from "../../../protocol/wire/service.ts";
import type { Denial, Reason } from "../../../protocol/wire/status.ts";
import type { GuestEvent, GuestStatus } from "../../ports/hypervisor.ts";
import type { Reply } from "../../runtime/system.ts";
import type { Lease } from "./lease.ts";

export type EnsureRequest = RequestOf<typeof hostAgentService.methods.ensure> & {
  /** Absent: 0, it needs no lease. */
  readonly leaseEpoch?: number;
};

export interface Moment {
  /** For people to read. */
  readonly wallMs: number;
  /** For everything that is counted. */
  readonly monotonicMs: number;
  /** Of the host, at that moment. */
  readonly lease: Lease;
}

export interface GuestFacts {
  readonly epoch: number;
  readonly status: GuestStatus;
  readonly startedAtMs: number;
}

/** How a piece of work ended. Each ends exactly once, also when it was aborted. */
export type Outcome =
  | { readonly kind: "done"; readonly guest?: GuestFacts }
  | { readonly kind: "failed"; readonly reason: Reason; readonly message: string }
  | { readonly kind: "aborted" };

export type MachineEvent = { readonly at: Moment } & (
  | { readonly kind: "ensure"; readonly request: EnsureRequest }
  | { readonly kind: "guest"; readonly event: GuestEvent["kind"] }
  /** The disks of a boot are there; its process is being started. */
  | { readonly kind: "prepared"; readonly workId: number }
  | { readonly kind: "settled"; readonly workId: number; readonly outcome: Outcome }
  | { readonly kind: "timer"; readonly timerId: number }
  /** The actor came to life from its file: do what the file says. */
  | { readonly kind: "begin" }
  | { readonly kind: "hostStopping"; readonly graceMs: number }
  /** The host's lease has changed: the moment says to what. */
  | { readonly kind: "lease" }
);

export type Answer =
  | { readonly kind: "observation"; readonly observation: Observation }
  | { readonly kind: "denied"; readonly denial: Denial };

export type MachineMessage =
  | {
      readonly kind: "ensure";
      readonly request: EnsureRequest;
      readonly reply: Reply<{ observation: Observation }>;
    }
  | { readonly kind: "guest"; readonly event: GuestEvent["kind"] }
  | { readonly kind: "prepared"; readonly workId: number; readonly incarnation: number }
  | {
      readonly kind: "settled";
      readonly workId: number;
      readonly outcome: Outcome;
      readonly incarnation: number;
    }
  | { readonly kind: "timer"; readonly timerId: number; readonly incarnation: number }
  | { readonly kind: "begin" }
  | { readonly kind: "hostStopping"; readonly graceMs: number }
  | { readonly kind: "lease" };
