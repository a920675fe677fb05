/**
 * What a machine hears. An event is a fact with its moment and is all that `decide` sees; a message is an
 * event on its way through the mailbox, together with the reply to its question, or the incarnation whose
 * effect it ends. Types only: this file must never contain behaviour.
 */
import type { hostAgentService, Observation } from "../../../protocol/machine.ts";
import type { Reason } from "../../../protocol/wire/reasons.ts";
import type { RequestOf } from "../../../protocol/wire/service.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { Guest, GuestEvent, GuestStatus, Loss } from "../../ports/hypervisor.ts";
import type { Reply } from "../../runtime/system.ts";
import type { Lease } from "./lease.ts";
import type { HeldVolumes } from "./volume-facts.ts";

/** An `ensure` without its needs: an agent that lacks one has refused it before. */
export type EnsureRequest = Omit<RequestOf<typeof hostAgentService.methods.ensure>, "needs">;

export interface Moment {
  /** Wall clock, for people to read. */
  readonly wallMs: number;
  /** Monotonic clock, for all periods and deadlines. */
  readonly monotonicMs: number;
  /** The host lease at that moment. */
  readonly lease: Lease;
}

export interface GuestFacts {
  readonly ownerEpoch: number;
  readonly status: GuestStatus;
  readonly startedAtMs: number;
  readonly pausedBy?: Guest["pausedBy"];
}

/** What a guest did by itself. `why`: of a loss, if the host can tell. */
export interface Deed {
  readonly event: GuestEvent["kind"];
  readonly why?: Loss | undefined;
  /** Of a pause: who has paused the guest, unless the agent has. */
  readonly pausedBy?: Guest["pausedBy"] | undefined;
  /** Of what it has ejected: the place of the volume. Undefined: any. */
  readonly place?: number | undefined;
}

/** How a piece of work ended. Each piece ends exactly once, also when it was aborted. */
export type Outcome =
  | { readonly kind: "done"; readonly guest?: GuestFacts }
  | { readonly kind: "failed"; readonly reason: Reason; readonly message: string }
  | { readonly kind: "aborted" };

export type MachineEvent = { readonly at: Moment } & (
  | { readonly kind: "ensure"; readonly request: EnsureRequest }
  | ({ readonly kind: "guest" } & Deed)
  /** The disks of a boot are made; its process is being started. */
  | { readonly kind: "prepared"; readonly workId: number }
  /** A wiring, or a boot, has let go of every port that is not in the spec it began with. */
  | { readonly kind: "unplugged"; readonly workId: number }
  /** A wiring has plugged in every port of the spec it began with. */
  | { readonly kind: "plugged"; readonly workId: number }
  /** What the process has of volumes, as a wiring or a boot has found or made it. */
  | ({ readonly kind: "volumes"; readonly workId: number } & HeldVolumes)
  | { readonly kind: "settled"; readonly workId: number; readonly outcome: Outcome }
  | { readonly kind: "timer"; readonly timerId: number }
  /** The machine was revived from its file: do what the file says. */
  | { readonly kind: "begin" }
  | { readonly kind: "hostStopping"; readonly graceMs: number }
  /** The host lease has changed; the moment has the new one. */
  | { readonly kind: "lease" }
);

export type Answer =
  | { readonly kind: "observation"; readonly observation: Observation }
  | { readonly kind: "denied"; readonly denial: Denial };

export type MachineMessage =
  | {
      readonly kind: "ensure";
      readonly request: EnsureRequest;
      /** Of the command that it belongs to, for the log. */
      readonly requestId?: string;
      readonly reply: Reply<{ observation: Observation }>;
    }
  | ({ readonly kind: "guest" } & Deed)
  | {
      readonly kind: "prepared" | "unplugged" | "plugged";
      readonly workId: number;
      readonly incarnation: number;
    }
  | ({ readonly kind: "volumes"; readonly workId: number; readonly incarnation: number } & HeldVolumes)
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
