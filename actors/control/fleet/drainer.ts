/**
 * Drains hosts: asks so many instances at once to leave, in order of their ids, when another host has room
 * for them. Which hosts are drained and who has left is read from the rows each time, so every controller
 * does the same, and one that dies is missed by nobody.
 *
 * It must never have a guest shut down that nobody takes. That a host has room is only a guess here, which
 * knows nothing of other controllers, nor of those that are on their way: it is claimed in the commit that
 * lets the instance go, and a guest whose claim does not fit stays where it runs.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import type { ActorContext, ActorDefinition } from "../../runtime/system.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { type LeavingStore, mayLeave, onHost } from "../instance/leaving.ts";
import type { HostPlacement, Placement } from "../instance/messages.ts";
import type { Placer } from "../placement/placer.ts";

export interface DrainerOptions {
  readonly store: LeavingStore;
  readonly directory: Pick<HostDirectory, "all" | "alive">;
  readonly placer: Pick<Placer, "place">;
  /** `to`: where it finds room; null: it is to be down. */
  readonly move: (instanceId: string, hostId: string, to: HostPlacement | null) => void;
}

/** Why instances that may leave a host did not, by host and instance, when it was tried last. */
export type Obstacles = ReadonlyMap<string, ReadonlyMap<string, string>>;

export class Drainer {
  readonly #options: DrainerOptions;
  #obstacles: Obstacles = new Map();
  /** Those that were asked to leave in the round before; ids. */
  #asked: ReadonlySet<string> = new Set();

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
    const asked = new Set<string>();
    for (const host of draining) {
      try {
        obstacles.set(host.id, await this.#drain(host, asked));
      } catch (thrown) {
        const { reason, message } = StatusError.from(thrown, "Draining a host");
        log.warn({ reason, message, host: host.id }, "a round of draining was cut short");
      }
    }
    this.#obstacles = obstacles;
    this.#asked = asked;
  }

  async #drain(host: HostRecord, asked: Set<string>): Promise<ReadonlyMap<string, string>> {
    const { id: hostId, draining, lease } = host;
    const { store, directory, move } = this.#options;
    const there = await onHost(hostId, store);
    const leaving = mayLeave(there);
    // Only an agent that knows leases can be told to leave a disk: one from before would remove it.
    if (lease === null) return all(leaving, "Its host's agent is of an older version: upgrade it first.");
    if (lease.fencedBy) return all(leaving, "Its host is fenced: it is recovered instead.");
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
      } else if (obstacles.size < limits.drainListedMax) obstacles.set(instance.id, room.denial.message);
    }
    return obstacles;
  }

  /** Who was asked and is still there comes last: one whose claim is refused keeps nobody back. */
  #inTurn(leaving: readonly InstanceRecord[]): readonly InstanceRecord[] {
    const [again = [], first = []] = [true, false].map((asked) =>
      leaving.filter(({ id }) => this.#asked.has(id) === asked),
    );
    return [...first, ...again];
  }

  /**
   * Null: it is to be down and needs no room, for it is placed when it is started. Most of those that find
   * none wish the same, and that is asked once in a round.
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

/** The same for all that any host answers alike; undefined: it depends on where other instances are. */
function plainWish(instance: InstanceRecord): string | undefined {
  const { project, flavor, image, availabilityZone, storageId, hints, serverGroupId } = instance;
  if (hints !== null || serverGroupId !== null) return undefined;
  return JSON.stringify([project, flavor, image.properties, availabilityZone, storageId]);
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
