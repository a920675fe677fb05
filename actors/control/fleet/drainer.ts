/**
 * Drains hosts: asks a limited number of instances at once to leave, in order of their ids, when another host
 * has room for them. Which hosts are drained and which instances have left is read from the rows each time,
 * so every controller does the same, and one that dies is missed by nobody.
 *
 * It must never have a guest shut down for which no host has room. Here room is only a guess, which knows
 * nothing of other controllers, nor of instances on their way: the commit that lets the instance go also
 * claims the room, and a guest whose claim does not fit stays where it runs.
 */
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { type PeriodicActor, periodicActor, type Round } from "../../runtime/periodic.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { type LeavingStore, mayLeave, onHost } from "../instance/leaving.ts";
import type { HostPlacement, Placement } from "../instance/messages.ts";
import type { Placer } from "../placement/placer.ts";
import { fleetLimits } from "./limits.ts";

export interface DrainerOptions {
  readonly store: LeavingStore;
  readonly directory: Pick<HostDirectory, "all" | "alive">;
  readonly placer: Pick<Placer, "place">;
  /** `to`: the host with room for the instance; null: the instance is to be stopped and needs none. */
  readonly move: (instanceId: string, hostId: string, to: HostPlacement | null) => void;
}

/** By host and instance: why instances that may leave did not, at the last attempt. */
export type Obstacles = ReadonlyMap<string, ReadonlyMap<string, string>>;

export class Drainer {
  readonly #options: DrainerOptions;
  #obstacles: Obstacles = new Map();
  /** Ids of the instances that were asked to leave in the last round. */
  #asked: ReadonlySet<string> = new Set();

  constructor(options: DrainerOptions) {
    this.#options = options;
  }

  obstaclesOf(hostId: string): ReadonlyMap<string, string> {
    return this.#obstacles.get(hostId) ?? new Map();
  }

  /** Drains one host after the other; a host that fails is tried again in the next round. */
  async round({ log, fail, did, signal }: Round & { readonly log: Log }): Promise<void> {
    const draining = this.#options.directory.all().filter((host) => host.draining !== null);
    const obstacles = new Map<string, ReadonlyMap<string, string>>();
    const asked = new Set<string>();
    for (const host of draining) {
      if (signal.aborted) return;
      try {
        obstacles.set(host.id, await this.#drain(host, asked));
      } catch (thrown) {
        const { reason, message } = StatusError.from(thrown, "Draining a host");
        log.warn({ reason, message, host: host.id }, "a round of draining was cut short");
        fail();
      }
    }
    this.#obstacles = obstacles;
    this.#asked = asked;
    did(`${draining.length} hosts drained, ${asked.size} instances asked to leave`);
  }

  async #drain(host: HostRecord, asked: Set<string>): Promise<ReadonlyMap<string, string>> {
    const { id: hostId, draining, lease } = host;
    const { store, directory, move } = this.#options;
    const there = await onHost(hostId, store);
    const leaving = mayLeave(there);
    if (lease?.fencedBy) return all(leaving, "Its host is fenced: it is recovered instead.");
    if (!directory.alive(hostId)) return all(leaving, "Its host is silent, and cannot let it go.");
    const obstacles = new Map<string, string>();
    const denied = new Map<string, Denied>();
    let free = (draining?.parallelism ?? 0) - there.leaving.length;
    for (const instance of this.#inTurn(leaving)) {
      if (free <= 0) break;
      const room = await this.#roomFor(instance, denied);
      if (room?.kind !== "denied") {
        asked.add(instance.id);
        move(instance.id, hostId, room);
        free -= 1;
      } else if (obstacles.size < placementLimits.drainListedMax)
        obstacles.set(instance.id, room.denial.message);
    }
    return obstacles;
  }

  /**
   * Instances that were asked before and are still there come last: a refused claim must not hold up the
   * others.
   */
  #inTurn(leaving: readonly InstanceRecord[]): readonly InstanceRecord[] {
    const [again = [], first = []] = [true, false].map((asked) =>
      leaving.filter(({ id }) => this.#asked.has(id) === asked),
    );
    return [...first, ...again];
  }

  /**
   * A host with room; null: the instance is to be stopped and needs none until it is started. Most instances
   * without room ask for the same, so each such wish is asked once in a round.
   */
  async #roomFor(instance: InstanceRecord, denied: Map<string, Denied>): Promise<Placement | null> {
    if (instance.desired === "stopped") return null;
    const wish = plainWish(instance);
    const before = wish === undefined ? undefined : denied.get(wish);
    if (before !== undefined) return before;
    const placement = await this.#options.placer.place({ ...instance, excludedHosts: [] });
    if (wish !== undefined && placement.kind === "denied") denied.set(wish, placement);
    return placement;
  }
}

type Denied = Extract<Placement, { kind: "denied" }>;

/**
 * A key for wishes to which every host gives the same answer; undefined: the answer depends on where other
 * instances are.
 */
function plainWish(instance: InstanceRecord): string | undefined {
  const { project, flavor, image, availabilityZone, storageId, hints, serverGroupId } = instance;
  if (hints !== null || serverGroupId !== null) return undefined;
  return JSON.stringify([project, flavor, image.properties, availabilityZone, storageId]);
}

function all(instances: readonly InstanceRecord[], why: string): ReadonlyMap<string, string> {
  return new Map(instances.map(({ id }) => [id, why]));
}

export function drainerDefinition(drainer: Drainer): PeriodicActor<null> {
  return periodicActor<null>({
    name: "drainer",
    pauseMs: () => fleetLimits.drainPeriodMs,
    begin: () => null,
    round: async (_state, { log }, one) => {
      await drainer.round({ log, ...one });
      return null;
    },
  });
}
