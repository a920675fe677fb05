/**
 * The actor of one host, as a controller has it: it owns whether the host is enabled, its drain, and the
 * fences that operators ask for. The instances' actors do the moves. It is loaded when something is asked of
 * the host, or when a drain or a fence is under way, and leaves when it was idle for a minute: a host at rest
 * has none.
 *
 * Several controllers may have the same host loaded for a moment; the version in the row decides (I1).
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { Clock, Ids, Log } from "../../../protocol/wire/transport.ts";
import type { StorePart } from "../../ports/store.ts";
import type { Commit, CommitResult } from "../../records/commit.ts";
import type { LoadedHost } from "../../records/host.ts";
import type { CommandTask, ResidentKind, Task } from "../../runtime/resident.ts";
import { Residents } from "../../runtime/residents.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { decide } from "./decide.ts";
import { type HostOutside, runEffects } from "./effects.ts";
import { hostLimits } from "./limits.ts";
import type { HostEffect, HostEvent, HostMessage, Seen } from "./messages.ts";

export interface HostActorOptions extends Omit<HostOutside, "deliver"> {
  readonly store: StorePart<{ hosts: "get"; operations: "list" | "request" }>;
  readonly commit: (commit: Commit) => Promise<CommitResult>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly seen: (hostId: string) => Seen;
}

export type Hosts = Residents<LoadedHost, HostEvent, HostMessage, HostEffect>;

/** The hosts that a controller has in memory. */
export function hostActors(system: ActorSystem, options: HostActorOptions): Hosts {
  const { store, commit, clock, log } = options;
  return new Residents(system, {
    ...{ store, commit, clock, log },
    limits: {
      residentsMax: hostLimits.hostActorsMax,
      sweepPeriodMs: hostLimits.hostSweepMs,
      idleMs: hostLimits.hostIdleMs,
    },
    kind: (deliver) => new HostKind({ ...options, deliver }),
  });
}

type HostTask = Task<LoadedHost, HostEvent, HostEffect>;
type Message<K extends HostMessage["kind"]> = Extract<HostMessage, { readonly kind: K }>;

class HostKind implements ResidentKind<LoadedHost, HostEvent, HostMessage, HostEffect> {
  readonly noun = "host";
  readonly nudgeBackoffMsMin = hostLimits.wakePeriodMs;
  readonly nudgeBackoffMsMax = hostLimits.wakePeriodMs;
  readonly #options: HostActorOptions & Pick<HostOutside, "deliver">;

  constructor(options: HostActorOptions & Pick<HostOutside, "deliver">) {
    this.#options = options;
  }

  async load(id: string): Promise<LoadedHost | undefined> {
    const { store } = this.#options;
    // In this order: an operation that begins between the two reads has raised the version of the row.
    const host = await store.hosts.get(id);
    if (host === undefined) return undefined;
    const query = { noun: "host", entityIds: [id], states: ["running"], limit: operationsMax } as const;
    const { rows } = await store.operations.list(query);
    return { host, operations: rows.map(({ operation }) => operation) };
  }

  notFound(id: string): StatusError {
    return new StatusError("hostNotFound", `There is no host ${id}.`);
  }

  decide(loaded: LoadedHost, event: HostEvent) {
    return decide(loaded, event);
  }

  act(effects: readonly HostEffect[], loaded: LoadedHost): void {
    runEffects(effects, loaded, this.#options);
  }

  taskOf(message: HostMessage): HostTask {
    switch (message.kind) {
      case "command":
        return this.#command(message);
      case "look":
        return {
          kind: "nudge",
          isUrgent: () => false,
          // Only hosts with something under way are nudged.
          isDoubtful: ({ host, operations }) => host.draining === null && operations.length === 0,
          eventOf: (_, nowMs) => ({ kind: "look", nowMs }),
        };
      case "surveyed": {
        const { survey } = message;
        const operationId = this.#options.ids.next();
        return {
          kind: "news",
          // Nobody is asked to leave by rows that may be old: the drain may have ended elsewhere.
          knows: () => false,
          eventOf: (_, nowMs) => ({ kind: "surveyed", survey, operationId, nowMs }),
        };
      }
      case "powered":
        return this.#powered(message);
      case "reload":
        return { kind: "reload" };
    }
  }

  #command({ asked, request, found, reply }: Message<"command">): CommandTask<LoadedHost, HostEvent> {
    const { ids, seen } = this.#options;
    const operationId = ids.next();
    return {
      ...{ kind: "command", request, reply },
      mayAsk: () => request.project === adminProject,
      eventOf: (_, nowMs) => {
        const about = { asked, request, found, seen: seen(found.id), operationId, nowMs };
        return { kind: "command", ...about };
      },
    };
  }

  #powered({ operationId, said, atMs }: Message<"powered">): HostTask {
    const { clock } = this.#options;
    let renewals: number | undefined;
    return {
      kind: "news",
      // The fence rests on the lease as it is after the power controller's word.
      knows: () => false,
      eventOf: ({ host }, nowMs) => {
        renewals ??= host.lease?.renewals;
        const sinceMs = clock.monotonicMs() - atMs;
        return { kind: "powered", operationId, said, sinceMs, renewals, nowMs };
      },
    };
  }
}

/** Operations of one host under way: a drain, a fence, and what a race may have left. */
const operationsMax = 10;
