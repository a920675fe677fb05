/**
 * Surveys of drained hosts: what is on a host, who leaves next, and for whom another host has room. What was
 * found last is kept for people who ask why an instance stays; it is a controller's own, and lost with it.
 */
import { placementLimits } from "../../../protocol/limits/placement.ts";
import type { HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { type LeavingStore, mayLeave } from "../instance/leaving.ts";
import type { HostPlacement, Placement } from "../instance/messages.ts";
import type { Placer } from "../placement/placer.ts";
import { inTurn } from "./drain.ts";
import type { Survey } from "./messages.ts";
import { thereOn } from "./there.ts";

export interface SurveyOptions {
  readonly store: LeavingStore;
  readonly directory: Pick<HostDirectory, "alive">;
  readonly placer: Pick<Placer, "place">;
}

interface Kept {
  readonly obstacles: ReadonlyMap<string, string>;
  readonly asked: ReadonlySet<string>;
}

const nothing: Kept = { obstacles: new Map(), asked: new Set() };

export class Surveys {
  readonly #options: SurveyOptions;
  /** By host, as long as this controller sees it drained. */
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Set<string>();

  constructor(options: SurveyOptions) {
    this.#options = options;
  }

  /** By instance: why those that may leave the host did not, at the last attempt. */
  obstaclesOf(hostId: string): ReadonlyMap<string, string> {
    return this.#kept.get(hostId)?.obstacles ?? nothing.obstacles;
  }

  /** Call when the host is not drained any more. */
  forget(hostId: string): void {
    this.#kept.delete(hostId);
  }

  /**
   * Looks at the host; undefined: somebody does so already. @throws UNAVAILABLE and what the placer throws
   */
  async survey(host: HostRecord): Promise<Survey | undefined> {
    if (this.#underWay.has(host.id)) return undefined;
    this.#underWay.add(host.id);
    try {
      return await this.#survey(host);
    } finally {
      this.#underWay.delete(host.id);
    }
  }

  async #survey(host: HostRecord): Promise<Survey> {
    const { store, directory } = this.#options;
    const { asked } = this.#kept.get(host.id) ?? nothing;
    const found = await thereOn(host, store);
    const leaving = inTurn(mayLeave(found.there.owned), asked);
    const free = (host.draining?.parallelism ?? 0) - found.there.leaving.length;
    const { rooms, obstacles } = directory.alive(host.id)
      ? await this.#roomsFor(leaving, free)
      : { rooms: [], obstacles: silent(leaving) };
    const all = new Set([...asked, ...rooms.map(({ instance }) => instance.id)]);
    this.#kept.set(host.id, { obstacles, asked: all });
    return { ...found, rooms, obstacles, asked };
  }

  /** Looks for room elsewhere, for one instance after the other, until as many as may leave have found it. */
  async #roomsFor(leaving: readonly InstanceRecord[], most: number) {
    const rooms: { readonly instance: InstanceRecord; readonly to: HostPlacement | null }[] = [];
    const obstacles = new Map<string, string>();
    const denied = new Map<string, Denied>();
    for (const instance of leaving) {
      if (rooms.length >= most) break;
      const room = await this.#roomFor(instance, denied);
      if (room?.kind !== "denied") rooms.push({ instance, to: room });
      else if (obstacles.size < placementLimits.drainListedMax)
        obstacles.set(instance.id, room.denial.message);
    }
    return { rooms, obstacles };
  }

  /**
   * A host with room; null: the instance is to be stopped and needs none until it is started. Most instances
   * without room ask for the same, so each such wish is asked once in a survey.
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
  const { guest, shape, interfaces } = instance;
  const about = [project, flavor, image.properties, availabilityZone, storageId];
  return JSON.stringify([...about, guest?.configDrive, shape, interfaces !== null]);
}

function silent(instances: readonly InstanceRecord[]): ReadonlyMap<string, string> {
  return new Map(instances.map(({ id }) => [id, "Its host is silent, and cannot let it go."]));
}
