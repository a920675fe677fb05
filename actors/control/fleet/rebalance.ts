/**
 * Proposes moves between hosts: reads hosts and instances, lets the scheduler choose moves, and adds names.
 * It moves nothing.
 */
import type { Rebalance } from "../../../protocol/host.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { movableNow, ownedBy } from "../instance/leaving.ts";
import { type PlacementStore, placementRequest, wishOf } from "../placement/placement.ts";
import type { PlacementRequest } from "../scheduler/messages.ts";
import { fleetLimits } from "./limits.ts";

/** The scheduler's part: actors/control/scheduler/propose.ts. */
export type Propose = (question: {
  readonly hosts: readonly HostRecord[];
  readonly instances: readonly {
    readonly id: string;
    readonly hostId: string;
    readonly request: PlacementRequest;
    readonly movable: true | string;
  }[];
  readonly limits: { readonly movesMax: number; readonly gainMin: number };
}) => {
  readonly spreadBefore: number;
  readonly spreadAfter: number;
  readonly moves: readonly {
    readonly instanceId: string;
    readonly fromHostId: string;
    readonly toHostId: string;
    readonly gain: number;
  }[];
  readonly unmovable: ReadonlyMap<string, number>;
  readonly end: Rebalance["end"];
};

export interface RebalanceOptions {
  readonly store: PlacementStore & StorePart<{ instances: "list" }>;
  readonly directory: Pick<HostDirectory, "refresh" | "all" | "facts">;
  readonly propose: Propose;
}

/** @throws UNAVAILABLE storeUnavailable */
export async function proposeMoves(
  movesMax: number = placementLimits.rebalanceMovesDefault,
  { store, directory, propose }: RebalanceOptions,
): Promise<Rebalance> {
  await directory.refresh();
  const there = await ownedBy(undefined, store);
  const names = new Map(there.map(({ id, name }) => [id, name]));
  const instances = [];
  for (const instance of there) {
    const request = await placementRequest(wishOf({ ...instance, excludedHosts: [] }), store);
    const { id, hostId } = instance;
    if (hostId !== null) instances.push({ id, hostId, request, movable: movableNow(instance) });
  }
  const plan = propose({
    hosts: directory.all(),
    instances,
    limits: { movesMax, gainMin: fleetLimits.rebalanceGainMin },
  });
  const nameOf = (hostId: string) => directory.facts(hostId)?.name ?? hostId;
  return {
    spreadBefore: plan.spreadBefore,
    spreadAfter: plan.spreadAfter,
    end: plan.end,
    moves: plan.moves.map((move) => ({
      ...move,
      instanceName: names.get(move.instanceId) ?? move.instanceId,
      fromHostName: nameOf(move.fromHostId),
      toHostName: nameOf(move.toHostId),
    })),
    unmovable: [...plan.unmovable].map(([why, count]) => ({ why, instances: count })),
  };
}
