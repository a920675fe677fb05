/**
 * What is peculiar to the actor of an instance, which is a resident (actors/runtime/resident.ts) and owns the
 * intent of one instance (I1): what each message asks for, and when the rows in memory are too old for a
 * report. It must never decide anything itself: that is decide.ts.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Ids } from "../../../protocol/wire/transport.ts";
import type { StorePart } from "../../ports/store.ts";
import type { CommitResult } from "../../records/commit.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type {
  CommandTask,
  NewsTask,
  NudgeTask,
  ResidentKind,
  ResidentOptions,
  Task,
} from "../../runtime/resident.ts";
import type { Fence } from "../directory/fence-proof.ts";
import type { AdmissionCommand } from "./admission.ts";
import { decide } from "./decide.ts";
import { type InstanceOutside, runEffects } from "./effects.ts";
import { instanceLimits } from "./limits.ts";
import type { CommandEvent, HostFacts, InstanceEffect, InstanceEvent, InstanceMessage } from "./messages.ts";
import { isBusy } from "./move.ts";
import { isImpossible } from "./observed.ts";
import { workEffects } from "./state.ts";

export interface InstanceActorOptions extends InstanceOutside, ResidentOptions {
  readonly store: StorePart<{ instances: "load"; operations: "request" }>;
  readonly ids: Ids;
  readonly hostFacts: (hostId: string | null) => (HostFacts & { readonly leaseEpoch: number }) | undefined;
  /** The sets of storages that some host sees together. Absent: each host sees one. */
  readonly seenTogether?: () => readonly (readonly string[])[];
  /** The hosts among these that are fenced, as far as this controller knows. */
  readonly fencesOf: (hostIds: readonly string[]) => readonly Fence[];
  /** Called when a claim did not fit: the scheduler's picture of that host is wrong. */
  readonly hostFull: (hostId: string) => void;
}

type News = NewsTask<LoadedInstance, InstanceEvent>;
type Message<K extends InstanceMessage["kind"]> = Extract<InstanceMessage, { readonly kind: K }>;
/** What somebody asked for, and waits for the answer to. */
type Asked = Message<"command" | "edit" | "rewire" | "revolume">;

/** The instance as a kind of resident. */
export class InstanceKind
  implements ResidentKind<LoadedInstance, InstanceEvent, InstanceMessage, InstanceEffect>
{
  readonly noun = "instance";
  readonly nudgeBackoffMsMin = instanceLimits.nudgeBackoffMsMin;
  readonly nudgeBackoffMsMax = instanceLimits.nudgeBackoffMsMax;
  readonly decide = decide;
  readonly notFound = notFound;
  readonly #options: InstanceActorOptions;

  constructor(options: InstanceActorOptions) {
    this.#options = options;
  }

  load(id: string): Promise<LoadedInstance | undefined> {
    return this.#options.store.instances.load(id);
  }

  act(effects: readonly InstanceEffect[], loaded: LoadedInstance): void {
    runEffects(effects, loaded, this.#options);
  }

  /** A claim that does not fit any more: the scheduler is asked again. */
  refused(result: CommitResult, loaded: LoadedInstance): boolean {
    if (result.kind !== "hostFull" && result.kind !== "groupRule") return false;
    if (result.kind === "hostFull") this.#options.hostFull(result.hostId);
    runEffects([{ kind: "place" }], loaded, this.#options);
    return true;
  }

  taskOf(message: InstanceMessage): Task<LoadedInstance, InstanceEvent, InstanceEffect> {
    switch (message.kind) {
      case "command":
        return this.#command(message);
      case "rewire":
        return { ...this.#command(message), refusalOf: rewiringRefused };
      case "revolume":
        return { ...this.#command(message), refusalOf: volumeRefused };
      case "edit":
        // No host is told anything: what the next nudge waits for stays as it was.
        return { ...this.#command(message), delaysNudge: false };
      case "observed":
        return this.#observed(message);
      case "placed":
      case "refused":
        return { kind: "news", delaysNudge: true, eventOf: (_, nowMs) => ({ ...message, nowMs }) };
      case "reconcile":
        return this.#reconcile();
      case "recover":
        return this.#recover();
      case "move": {
        const operationId = this.#options.ids.next();
        return {
          kind: "news",
          // Rows by which it could not go may be old: another controller may have built or moved it.
          knows: ({ instance }) => instance.hostId === message.hostId && !isBusy(instance),
          eventOf: (_, nowMs) => ({ ...message, operationId, nowMs }),
        };
      }
      case "reload":
        return { kind: "reload" };
      case "tellHosts":
        return { kind: "act", effectsOf: workEffects };
    }
  }

  #command(message: Asked): CommandTask<LoadedInstance, InstanceEvent> {
    const { request, reply } = message;
    const operationId = this.#options.ids.next();
    return {
      kind: "command",
      request,
      reply,
      mayAsk: ({ instance }) => request.project === adminProject || request.project === instance.project,
      eventOf: (present, nowMs) => this.#eventOf(message, present, { operationId, nowMs }),
    };
  }

  #eventOf(
    message: Asked,
    present: LoadedInstance,
    { operationId, nowMs }: { readonly operationId: string; readonly nowMs: number },
  ): InstanceEvent {
    const { request } = message;
    const asked = { request, nowMs, host: this.#options.hostFacts(present.instance.hostId) };
    if (message.kind === "edit") return { kind: "edit", edit: message.edit, ...asked };
    if (message.kind === "rewire")
      return { kind: "rewire", rewiring: message.rewiring, operationId, ...asked };
    if (message.kind === "revolume") {
      const seenTogether = this.#options.seenTogether?.() ?? [];
      return { kind: "revolume", change: message.change, operationId, seenTogether, ...asked };
    }
    const { kind, command, stopTimeoutMs } = message;
    return { kind, command, stopTimeoutMs, operationId, ...asked, ...this.#fencesFor(command, present) };
  }

  #fencesFor(command: AdmissionCommand, { claims }: LoadedInstance): Pick<CommandEvent, "fences"> {
    if (command !== "evacuate") return {};
    return { fences: this.#options.fencesOf(claims.map(({ hostId }) => hostId)) };
  }

  #observed(message: Message<"observed">): News {
    const { observation, reply } = message;
    const held = () => this.#options.hostFacts(message.hostId)?.leaseEpoch ?? 0;
    // Of the moment at which the rows are there, as that of the hosts may have changed while they were read.
    let now: number | undefined;
    const leaseEpoch = () => {
      now ??= Math.max(held(), message.leaseEpoch);
      return now;
    };
    return {
      kind: "news",
      reply,
      knows: (loaded) => knows(loaded, message, leaseEpoch()),
      eventOf: (_, nowMs) => ({ ...message, nowMs, leaseEpoch: leaseEpoch() }),
      settled: (next) => {
        // A machine without a claim is told to go; it must keep reporting, so it is not answered as stored
        // until it is gone.
        const claimed = next.claims.some(({ ownerEpoch }) => ownerEpoch === observation.ownerEpoch);
        const settled = observation.state === "gone" || claimed;
        reply?.ok(isImpossible(next, observation) ? "impossible" : settled ? "settled" : "open");
      },
    };
  }

  #reconcile(): NudgeTask<LoadedInstance, InstanceEvent> {
    return {
      kind: "nudge",
      isUrgent: ({ operation }, nowMs) => (operation?.deadlineAtMs ?? Number.POSITIVE_INFINITY) < nowMs,
      // The reconciler nudges only instances that the store has as not settled.
      isDoubtful: ({ instance, operation }) => instance.settled && operation === undefined,
      eventOf: ({ instance, claims }, nowMs) => {
        const host = this.#options.hostFacts(instance.hostId);
        const known = { hostAlive: host?.alive ?? true, leaseEpoch: host?.leaseEpoch ?? 0 };
        const isGoing = instance.desired === "deleted";
        const fences = isGoing ? this.#options.fencesOf(claims.map(({ hostId }) => hostId)) : [];
        return { kind: "reconcile", nowMs, ...known, ...(fences.length > 0 && { fences }) };
      },
    };
  }

  /** Decided on the stored rows: the rows in memory may name an earlier owner. */
  #recover(): News {
    const operationId = this.#options.ids.next();
    return {
      kind: "news",
      delaysNudge: true,
      knows: () => false,
      eventOf: ({ claims }, nowMs) => {
        const fences = this.#options.fencesOf(claims.map(({ hostId }) => hostId));
        return { kind: "recover", fences, operationId, nowMs };
      },
    };
  }
}

/**
 * Whether the rows in memory are new enough for this report. An owner epoch without a known claim may be
 * newer than memory, and so may one whose claim is of another host: room that was kept for it there may have
 * been given back. An instance whose claim is under an earlier lease epoch may have gone elsewhere since.
 */
function knows(
  { claims }: LoadedInstance,
  { hostId, observation: { ownerEpoch } }: Pick<Message<"observed">, "hostId" | "observation">,
  leaseEpoch: number,
): boolean {
  return claims.some(
    (claim) =>
      claim.ownerEpoch === ownerEpoch &&
      claim.hostId === hostId &&
      (claim.leaseEpoch === 0 || claim.leaseEpoch >= leaseEpoch),
  );
}

/** Why an interface cannot be attached, by the commit: something else has the address or the port by now. */
function rewiringRefused(result: CommitResult): StatusError | undefined {
  switch (result.kind) {
    case "nameTaken":
      return new StatusError("addressTaken", "The address or the port was taken by the time of the commit.");
    case "quotaExceeded":
      return new StatusError("quotaExceeded", "The project has no room for another port.", {
        details: result,
      });
    case "missing":
      return new StatusError("notFound", `There is no ${result.noun} ${result.id} any more.`);
    default:
      return undefined;
  }
}

/** Why a volume cannot be attached or extended, by the commit. */
function volumeRefused(result: CommitResult): StatusError | undefined {
  switch (result.kind) {
    case "hostFull":
      return new StatusError("storageFull", "There is no room for so much where the volume is.");
    case "quotaExceeded":
      return new StatusError("quotaExceeded", "The project may have no volumes as large as that.", {
        details: result,
      });
    default:
      return undefined;
  }
}

/** Also the error for an instance of another project, whose existence must not show (I12). */
export function notFound(id: string): StatusError {
  return new StatusError("instanceNotFound", `There is no instance ${id}.`);
}
