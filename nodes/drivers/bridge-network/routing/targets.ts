/** Devices, addresses, rules and kept connections of each namespace of routing, as planned. Pure. */
import type { Ruleset } from "../rules/model.ts";
import type { RoutingPlan } from "./planned.ts";
import { outsideRules, routerRules } from "./rules.ts";
import { type SpaceState, stateOfOutside, stateOfRouter } from "./space-state.ts";
import { type Kept, straysOfOutside, straysOfRouter } from "./stray-connections.ts";

/** A namespace, and what it is to be. */
export interface Target {
  readonly name: string;
  readonly state: SpaceState;
  readonly rules: Ruleset;
  readonly strays: (all: readonly Kept[]) => readonly Kept[];
  /** Two with the same text are the same. */
  readonly text: string;
}

export const targetsOf = ({ routers, outsides }: RoutingPlan): readonly Target[] => [
  ...routers.map((one) => ({
    ...{ name: one.space, text: JSON.stringify(one), state: stateOfRouter(one), rules: routerRules(one) },
    strays: (all: readonly Kept[]) => straysOfRouter(all, one),
  })),
  ...outsides.map((one) => ({
    ...{ name: one.space, text: JSON.stringify(one), state: stateOfOutside(one), rules: outsideRules(one) },
    strays: (all: readonly Kept[]) => straysOfOutside(all, one),
  })),
];
