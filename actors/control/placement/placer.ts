/**
 * The scheduler's actor as its clients see it: typed questions, and the news that keeps it current. Adds host
 * names, for people who read an operation. Decides nothing.
 */
import type { HostVerdict } from "../../../protocol/instance.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import type { OfferedShapes } from "../../../protocol/shape.ts";
import type { Space } from "../../../protocol/space.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import type { ActorRef } from "../../runtime/system.ts";
import type { HostDirectory } from "../directory/directory.ts";
import type { Placement } from "../instance/messages.ts";
import type {
  Candidate,
  PlacementRequest,
  Ranking,
  Rankings,
  SchedulerMessage,
} from "../scheduler/messages.ts";
import { type PlacementStore, placementRequest, wishOf } from "./placement.ts";

export interface ChosenHost {
  readonly hostId: string;
  readonly hostName: string;
  readonly leaseEpoch: number;
  readonly storageId: string | null;
  /** What the instance gets of the host's NUMA nodes; null: its flavor asks for no NUMA placement. */
  readonly numa: NumaPlacement | null;
  /** The shapes that the host offers; absent: none. */
  readonly shapes?: OfferedShapes | undefined;
}

export type ChosenHosts =
  | {
      readonly kind: "hosts";
      readonly hosts: readonly ChosenHost[];
      /** Why there are fewer than were asked for. */
      readonly rest?: Denial;
    }
  | { readonly kind: "denied"; readonly denial: Denial };

export interface PlacerOptions {
  readonly scheduler: ActorRef<SchedulerMessage>;
  readonly directory: HostDirectory;
  readonly store: PlacementStore;
  readonly clock: Clock;
}

export interface HowMany {
  readonly count: number;
  /** The least number to place, when there is no room for `count`. */
  readonly atLeast: number;
  readonly deadlineMs: number;
  /** Nothing will be placed: see RankManyQuestion. */
  readonly supposed?: number | undefined;
}

export class Placer {
  readonly #scheduler: ActorRef<SchedulerMessage>;
  readonly #directory: HostDirectory;
  readonly #store: PlacementStore;
  readonly #clock: Clock;

  constructor({ scheduler, directory, store, clock }: PlacerOptions) {
    this.#scheduler = scheduler;
    this.#directory = directory;
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * The best host for each of `count` equal instances, or, when there is no room for all, for at least
   * `atLeast`.
   */
  async placeMany(request: PlacementRequest, howMany: HowMany): Promise<ChosenHosts> {
    const { count, atLeast, deadlineMs, supposed } = howMany;
    const ranking = await this.#scheduler.ask<Rankings>(
      (reply) => ({
        ...{ kind: "rankMany", request, count, reply },
        ...(supposed === undefined ? {} : { supposed }),
        ...(atLeast < count ? { as: "asManyAsFit", countMin: atLeast } : {}),
      }),
      { deadlineMs },
    );
    if (ranking.kind === "denied") return ranking;
    const hosts = ranking.candidates.flatMap((list) => list.slice(0, 1).map(this.#chosen));
    return { kind: "hosts", hosts, ...(ranking.rest === undefined ? {} : { rest: ranking.rest }) };
  }

  /** A host for a build that has none (any more); hosts on which the build failed are left out. */
  async place(instance: InstanceRecord): Promise<Placement> {
    const request = await placementRequest(wishOf(instance), this.#store);
    const deadlineMs = this.#clock.monotonicMs() + wireLimits.timeoutMsDefault;
    const ranking = await this.#scheduler.ask<Ranking>((reply) => ({ kind: "rank", request, reply }), {
      deadlineMs,
    });
    const best = ranking.kind === "ranked" ? ranking.candidates[0] : undefined;
    if (ranking.kind === "denied") return ranking;
    if (best === undefined) throw new Error("A ranking is never empty.");
    return { kind: "host", ...this.#chosen(best) };
  }

  /**
   * The host on which room is kept for an instance, as a placement; undefined: it is silent, fenced or gone.
   */
  roomOn(hostId: string): Placement | undefined {
    const facts = this.#directory.facts(hostId);
    if (facts === undefined || !facts.alive || this.#directory.fenceOf(hostId) !== undefined)
      return undefined;
    const { name: hostName, leaseEpoch, storageId, shapes } = facts;
    // The kept claim has the NUMA placement.
    return { kind: "host", hostId, hostName, leaseEpoch, storageId, numa: null, shapes };
  }

  async explain(instance: InstanceRecord, deadlineMs: number): Promise<readonly HostVerdict[]> {
    return this.explainRequest(await placementRequest(wishOf(instance), this.#store), deadlineMs);
  }

  explainRequest(request: PlacementRequest, deadlineMs: number): Promise<readonly HostVerdict[]> {
    return this.#scheduler.ask((reply) => ({ kind: "explain", request, reply }), { deadlineMs });
  }

  claimed(hosts: readonly ChosenHost[], { vcpus, memoryMib, diskGib }: PlacementRequest): void {
    for (const { hostId, numa } of hosts) {
      const amounts = { vcpus, memoryMib, diskGib, ...(numa === null ? {} : { numa }) };
      this.#scheduler.tell({ kind: "claimed", hostId, amounts });
    }
  }

  /**
   * Call when a commit was refused because the host is full, or holds another host lease than known here:
   * both are read anew.
   */
  full(hostId: string): void {
    this.#directory.refreshSoon();
    this.#scheduler.tell({ kind: "full", hostId });
  }

  /** `spaces`: the file systems that the host reports; absent: it did not say. */
  heard(hostId: string, spaces?: readonly Space[]): void {
    if (spaces === undefined) return void this.#scheduler.tell({ kind: "heard", hostId });
    const full = spaces.find((one) => one.full) ?? null;
    const room = spaces.find(({ disks }) => disks === true);
    this.#scheduler.tell({ kind: "heard", hostId, full, ...(room === undefined ? {} : { room }) });
  }

  /** Call when no host could be heard until now. */
  cutOff(): void {
    this.#scheduler.tell({ kind: "cutOff" });
  }

  /**
   * Call when the hosts were read, by a read that began at `readAtMs` (monotonic): the scheduler need not
   * read them itself.
   */
  read(hosts: readonly HostRecord[], readAtMs: number): void {
    this.#scheduler.tell({ kind: "refresh", hosts, readAtMs, wallMs: this.#clock.nowMs(), told: true });
  }

  hostsChanged(): void {
    this.#scheduler.tell({ kind: "hostsChanged" });
  }

  readonly #chosen = ({ hostId, numa }: Candidate): ChosenHost => {
    const facts = this.#directory.facts(hostId);
    const { leaseEpoch = 0, storageId = null, shapes } = facts ?? {};
    return { hostId, hostName: facts?.name ?? hostId, leaseEpoch, storageId, numa: numa ?? null, shapes };
  };
}
