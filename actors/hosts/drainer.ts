/**
 * Drains hosts: asks so many instances at once to leave, in order of their ids, when another host has room
 * for them. Which hosts are drained and who has left is read from the rows each time, so every controller
 * does the same, and one that dies is missed by nobody. It must never ask one to leave that nobody takes.
 */
import { limits } from "../../protocol/limits.ts";
import { StatusError } from "../../protocol/status.ts";
import { type LeavingStore, mayLeave, onHost } from "../instances/leaving.ts";
import type { Placer } from "../instances/placer.ts";
import type { Log } from "../runtime/ports.ts";
import type { HostRecord, InstanceRecord } from "../runtime/records.ts";
import type { ActorContext, ActorDefinition } from "../runtime/system.ts";
import type { HostDirectory } from "./directory.ts";

export interface DrainerOptions {
  readonly store: LeavingStore;
  readonly directory: Pick<HostDirectory, "all" | "alive">;
  readonly placer: Pick<Placer, "place">;
  readonly move: (instanceId: string, hostId: string) => void;
}

/** Why instances that may leave a host did not, by host and instance, when it was tried last. */
export type Obstacles = ReadonlyMap<string, ReadonlyMap<string, string>>;

export class Drainer {
  readonly #options: DrainerOptions;
  #obstacles: Obstacles = new Map();

  constructor(options: DrainerOptions) {
    this.#options = options;
  }

  obstaclesOf(hostId: string): ReadonlyMap<string, string> {
    return this.#obstacles.get(hostId) ?? new Map();
  }

  /** One host after the other; what fails is tried again with the next round. */
  async round(log: Log): Promise<void> {
    const draining = this.#options.directory.all().filter((host) => host.draining !== null);
    const obstacles = new Map<string, ReadonlyMap<string, string>>();
    for (const host of draining) {
      try {
        obstacles.set(host.id, await this.#drain(host));
      } catch (thrown) {
        const { reason, message } = StatusError.from(thrown, "Draining a host");
        log.warn({ reason, message, host: host.id }, "a round of draining was cut short");
      }
    }
    this.#obstacles = obstacles;
  }

  async #drain({ id: hostId, draining, lease }: HostRecord): Promise<ReadonlyMap<string, string>> {
    const { store, directory, move } = this.#options;
    const there = await onHost(hostId, store);
    const leaving = mayLeave(there);
    if (lease?.fencedBy) return all(leaving, "Its host is fenced: it is recovered instead.");
    if (!directory.alive(hostId)) return all(leaving, "Its host is silent, and cannot let it go.");
    const obstacles = new Map<string, string>();
    let free = (draining?.parallelism ?? 0) - there.leaving.length;
    for (const instance of leaving) {
      if (free <= 0 || obstacles.size >= limits.drainListedMax) break;
      const obstacle = await this.#obstacleFor(instance);
      if (obstacle === undefined) {
        move(instance.id, hostId);
        free -= 1;
      } else obstacles.set(instance.id, obstacle);
    }
    return obstacles;
  }

  /** One that is to be down needs no room: it is placed when it is started. */
  async #obstacleFor(instance: InstanceRecord): Promise<string | undefined> {
    if (instance.desired === "stopped") return undefined;
    const placement = await this.#options.placer.place({ ...instance, excludedHosts: [] });
    return placement.kind === "denied" ? placement.denial.message : undefined;
  }
}

function all(instances: readonly InstanceRecord[], why: string): ReadonlyMap<string, string> {
  return new Map(instances.map(({ id }) => [id, why]));
}

interface Tick {
  readonly kind: "tick";
}

export function drainerDefinition(drainer: Drainer): ActorDefinition<null, Tick> {
  return {
    name: "drainer",
    init: async (context) => {
      tickLater(context);
      return null;
    },
    receive: async (_state, _message, context) => {
      await drainer.round(context.log);
      tickLater(context);
      return null;
    },
  };
}

function tickLater(context: ActorContext<Tick>): void {
  const cancel = () => timer.cancel();
  const timer = context.clock.after(limits.drainPeriodMs, () => {
    context.signal.removeEventListener("abort", cancel);
    if (!context.signal.aborted) context.self.tell({ kind: "tick" });
  });
  context.signal.addEventListener("abort", cancel, { once: true });
}
