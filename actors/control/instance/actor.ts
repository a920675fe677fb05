/**
 * The shell of an instance's actor: decide, commit, answer, act, in this order. It owns the intent of one
 * instance (I1).
 *
 * Several controllers may have an actor of the same instance for a moment: the version in the row decides,
 * and the loser loads the row anew and decides again. The row in memory is only a cache; when the store fails
 * it is dropped.
 */

import type { Changed } from "../../../protocol/instance.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import type { Observation } from "../../../protocol/machine.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Ids } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { Commit, CommitResult, RequestRecord } from "../../records/commit.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type { ActorDefinition, Reply } from "../../runtime/system.ts";
import type { Fence } from "../directory/fence-proof.ts";
import { requestIdReused } from "../request/request-id.ts";
import type { AdmissionCommand } from "./admission.ts";
import { decide } from "./decide.ts";
import { type InstanceOutside, runEffects } from "./effects.ts";
import { instanceLimits } from "./limits.ts";
import type { CommandEvent, Decision, HostFacts, InstanceEvent, InstanceMessage } from "./messages.ts";
import { isImpossible } from "./observed.ts";
import { workEffects } from "./state.ts";

export interface InstanceActorOptions extends InstanceOutside {
  readonly store: Pick<Store, "loadInstance" | "getRequest">;
  readonly commit: (commit: Commit) => Promise<CommitResult>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly hostFacts: (hostId: string | null) => (HostFacts & { readonly leaseEpoch: number }) | undefined;
  /** The hosts among these that are fenced, as far as this controller knows. */
  readonly fencesOf: (hostIds: readonly string[]) => readonly Fence[];
  /** Called when a claim did not fit: the scheduler's picture of that host is wrong. */
  readonly hostFull: (hostId: string) => void;
}

/** What somebody asked for, and waits for the answer to. */
type Asked = Extract<InstanceMessage, { kind: "command" | "edit" }>;

interface InstanceActorState {
  /** Undefined when the row must be loaded before the next decision. */
  readonly loaded: LoadedInstance | undefined;
  /** No work for a nudge before this time, on the monotonic clock. */
  readonly nudgeAtMs: number;
  readonly nudgeBackoffMs: number;
}

/** The state after a change: the hosts were just told, so the next nudge may wait. */
const fresh = (loaded: LoadedInstance | undefined, clock: Clock): InstanceActorState => ({
  loaded,
  nudgeAtMs: clock.monotonicMs() + instanceLimits.nudgeBackoffMsMin,
  nudgeBackoffMs: instanceLimits.nudgeBackoffMsMin * 2,
});

/** `seed`: the rows of the commit that created the instance; saves reading them back. */
export function instanceDefinition(
  id: string,
  options: InstanceActorOptions,
  seed?: LoadedInstance,
): ActorDefinition<InstanceActorState, InstanceMessage> {
  let first = seed;
  return {
    name: `instance-${id}`,
    init: async () => {
      const loaded = first;
      first = undefined;
      return fresh(loaded, options.clock);
    },
    receive: (state, message) => new InstanceTurn(id, options).receive(state, message),
  };
}

class InstanceTurn {
  readonly #id: string;
  readonly #options: InstanceActorOptions;

  constructor(id: string, options: InstanceActorOptions) {
    this.#id = id;
    this.#options = options;
  }

  async receive(state: InstanceActorState, message: InstanceMessage): Promise<InstanceActorState> {
    try {
      return await this.#receive(state, message);
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || thrown.code === "INTERNAL") throw thrown;
      replyOf(message)?.fail(thrown);
      return { ...state, loaded: undefined };
    }
  }

  async #receive(state: InstanceActorState, message: InstanceMessage): Promise<InstanceActorState> {
    if (message.kind === "reconcile" && this.#isNews(state)) return state;
    const loaded = state.loaded ?? (await this.#load());
    switch (message.kind) {
      case "command":
        return fresh(await this.#command(loaded, message), this.#options.clock);
      case "edit":
        // Nobody was told anything: what the next nudge waits for stays as it was.
        return { ...state, loaded: await this.#command(loaded, message) };
      case "observed": {
        const held = this.#options.hostFacts(message.hostId)?.leaseEpoch ?? 0;
        const leaseEpoch = Math.max(held, message.leaseEpoch);
        const known = knows(loaded, message.observation, leaseEpoch);
        const current = known ? loaded : await this.#newest(state, loaded);
        const next = await this.#settle(current, (nowMs) => ({ ...message, nowMs, leaseEpoch }));
        // A machine without a claim is told to go; it must keep reporting, so it is not answered as stored
        // until it is gone.
        const { observation } = message;
        const settled = observation.state === "gone" || knows(next, observation, 0);
        const answer = isImpossible(next, observation) ? "impossible" : settled ? "settled" : "open";
        message.reply?.ok(answer);
        return next === loaded ? { ...state, loaded } : fresh(next, this.#options.clock);
      }
      case "placed":
        return fresh(await this.#settle(loaded, (nowMs) => ({ ...message, nowMs })), this.#options.clock);
      case "reconcile":
        return this.#reconcile({ ...state, loaded });
      case "recover":
        return fresh(await this.#recover(), this.#options.clock);
      case "move": {
        const operationId = this.#options.ids.next();
        const moved = await this.#settle(loaded, (nowMs) => ({ ...message, operationId, nowMs }));
        return moved === loaded ? { ...state, loaded } : fresh(moved, this.#options.clock);
      }
      case "reload":
        return { ...state, loaded: undefined };
      case "tellHosts":
        runEffects(workEffects(loaded), loaded.instance, this.#options);
        return { ...state, loaded };
    }
  }

  /**
   * True for a nudge of an instance that is not loaded and not yet due: another controller's work is mostly
   * done by then, and the row need not be loaded.
   */
  #isNews({ loaded, nudgeAtMs }: InstanceActorState): boolean {
    return loaded === undefined && this.#options.clock.monotonicMs() < nudgeAtMs;
  }

  /** The newest rows: read from the store, unless this turn has read them already. */
  #newest(state: InstanceActorState, loaded: LoadedInstance): Promise<LoadedInstance> {
    return state.loaded === undefined ? Promise.resolve(loaded) : this.#load();
  }

  async #load(): Promise<LoadedInstance> {
    const loaded = await this.#options.store.loadInstance(this.#id);
    if (loaded === undefined) throw notFound(this.#id);
    return loaded;
  }

  async #command(loaded: LoadedInstance, message: Asked): Promise<LoadedInstance> {
    const { request, reply } = message;
    const stranger = request.project !== adminProject && request.project !== loaded.instance.project;
    if (stranger) throw notFound(this.#id);
    const operationId = this.#options.ids.next();
    let present = loaded;
    for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
      const decision = decide(present, this.#eventOf(message, present, operationId));
      if (decision.outcome.kind === "denied") {
        // The row in memory may be old, and no commit guards a refusal: decide once more on the stored row.
        if (present === loaded && attempt === 1) {
          present = await this.#load();
          continue;
        }
        await this.#deny(decision, message);
        return present;
      }
      const result = await this.#options.commit(decision.commit ?? {});
      if (result.kind === "duplicate") {
        answerAgain(result.request, request.contentHash, reply);
        return present;
      }
      if (result.kind === "committed") {
        reply.ok(decision.commit?.request?.answer as Changed);
        runEffects(decision.effects, decision.next.instance, this.#options);
        return decision.next;
      }
      present = await this.#load();
    }
    throw new StatusError(
      "generationConflict",
      `Instance ${this.#id} was changed by others again and again.`,
    );
  }

  #eventOf(message: Asked, present: LoadedInstance, operationId: string): InstanceEvent {
    const { request } = message;
    const host = this.#options.hostFacts(present.instance.hostId);
    const asked = { request, nowMs: this.#options.clock.nowMs(), host };
    if (message.kind === "edit") return { kind: "edit", edit: message.edit, ...asked };
    const { kind, command, stopTimeoutMs } = message;
    return { kind, command, stopTimeoutMs, operationId, ...asked, ...this.#fencesFor(command, present) };
  }

  #fencesFor(command: AdmissionCommand, { claims }: LoadedInstance): Pick<CommandEvent, "fences"> {
    if (command !== "evacuate") return {};
    return { fences: this.#options.fencesOf(claims.map(({ hostId }) => hostId)) };
  }

  /** Denies a command, unless the same request was accepted before: then it is answered as it was. */
  async #deny(decision: Decision, message: Asked): Promise<void> {
    const { project, requestId, contentHash } = message.request;
    const known = await this.#options.store.getRequest(project, requestId);
    if (known !== undefined) return answerAgain(known, contentHash, message.reply);
    if (decision.outcome.kind === "denied") message.reply.fail(StatusError.of(decision.outcome.denial));
  }

  /** Applies an event that nobody waits for, again after each conflict. */
  async #settle(
    loaded: LoadedInstance,
    event: (nowMs: number, present: LoadedInstance) => InstanceEvent,
  ): Promise<LoadedInstance> {
    let present = loaded;
    for (let attempt = 1; attempt <= lifeLimits.commitAttemptsMax; attempt += 1) {
      const decision = decide(present, event(this.#options.clock.nowMs(), present));
      const result = decision.commit === undefined ? undefined : await this.#options.commit(decision.commit);
      if (result === undefined || result.kind === "committed") {
        runEffects(decision.effects, decision.next.instance, this.#options);
        return decision.next;
      }
      if (result.kind === "hostFull" || result.kind === "groupRule") {
        if (result.kind === "hostFull") this.#options.hostFull(result.hostId);
        runEffects([{ kind: "place" }], present.instance, this.#options);
        return present;
      }
      present = await this.#load();
    }
    throw new StatusError(
      "generationConflict",
      `Instance ${this.#id} was changed by others again and again.`,
    );
  }

  /** Decides on the stored row: the row in memory may name an earlier owner. */
  async #recover(): Promise<LoadedInstance> {
    const operationId = this.#options.ids.next();
    return this.#settle(await this.#load(), (nowMs, { claims }) => {
      const fences = this.#options.fencesOf(claims.map(({ hostId }) => hostId));
      return { kind: "recover", fences, operationId, nowMs };
    });
  }

  async #reconcile(
    state: InstanceActorState & { readonly loaded: LoadedInstance },
  ): Promise<InstanceActorState> {
    const nowMs = this.#options.clock.monotonicMs();
    // The reconciler nudges only instances that the store has as not settled: if the row in memory is
    // settled, it is old.
    const doubtful = state.loaded.instance.settled && state.loaded.operation === undefined;
    const deadlineAtMs = state.loaded.operation?.deadlineAtMs ?? Number.POSITIVE_INFINITY;
    const due = nowMs >= state.nudgeAtMs || deadlineAtMs < this.#options.clock.nowMs();
    if (!doubtful && !due) return state;
    // Load first: hosts must be told what the stored row says, and here no commit would notice an old row in
    // memory.
    const loaded = await this.#load();
    if (!due) return { ...state, loaded };
    const host = this.#options.hostFacts(loaded.instance.hostId);
    const next = await this.#settle(loaded, (now) => ({
      kind: "reconcile",
      nowMs: now,
      hostAlive: host?.alive ?? true,
      leaseEpoch: host?.leaseEpoch ?? 0,
    }));
    const nudgeBackoffMs = Math.min(state.nudgeBackoffMs * 2, instanceLimits.nudgeBackoffMsMax);
    return { loaded: next, nudgeAtMs: nowMs + state.nudgeBackoffMs, nudgeBackoffMs };
  }
}

/**
 * Whether the rows in memory are new enough for this report. An owner epoch without a known claim may be
 * newer than memory; an instance whose claim is under an earlier lease epoch may have gone elsewhere since.
 */
function knows(loaded: LoadedInstance, { ownerEpoch }: Observation, leaseEpoch: number): boolean {
  return loaded.claims.some(
    (claim) => claim.ownerEpoch === ownerEpoch && (claim.leaseEpoch === 0 || claim.leaseEpoch >= leaseEpoch),
  );
}

/**
 * Answers a repeated request: with the same answer, word for word, or ALREADY_EXISTS when it was another
 * command.
 */
function answerAgain(known: RequestRecord, contentHash: string, reply: Asked["reply"]): void {
  if (known.contentHash === contentHash) reply.ok(known.answer as Changed);
  else reply.fail(requestIdReused(known.requestId));
}

/** Also the error for an instance of another project, whose existence must not show (I12). */
export function notFound(id: string): StatusError {
  return new StatusError("instanceNotFound", `There is no instance ${id}.`);
}

function replyOf(message: InstanceMessage): Pick<Reply<unknown>, "fail"> | undefined {
  return "reply" in message ? message.reply : undefined;
}
