/**
 * How the observations of a machine are numbered, for the agent that counts and the controller that compares.
 * A generation grows by small steps. One that is far above the last cannot be: it was invented, or a bit of
 * it was flipped, and whoever took it over would soon pass the largest number there is. So a controller
 * stores none, an agent counts none, and a stored one from before this rule counts as none. Pure.
 */
import { reportLimits } from "./limits/report.ts";

const { observedCountMax, observedStepMax } = reportLimits;

/** The generation after `last`. After the highest one the count begins anew at 1. */
export const generationAfter = (last: number): number => (isSpent(last) ? 1 : last + 1);

/**
 * The generation from which to go on: the stored one, or 0 when there is none, or one that cannot be. A
 * controller tells it to the agent as `observedGeneration`.
 */
export const generationBase = (stored: number | undefined): number =>
  stored === undefined || isSpent(stored) ? 0 : stored;

/** Whether a host that was at the stored generation can have come to this one. */
export const isPossible = (stored: number | undefined, seen: number): boolean =>
  seen <= observedCountMax && seen <= generationBase(stored) + observedStepMax;

/** Whether an observation replaces the stored one: a spent generation is followed by those of a new count. */
export const isNewer = (stored: number, seen: number): boolean =>
  seen > stored || (isSpent(stored) && !isSpent(seen));

const isSpent = (generation: number): boolean => generation >= observedCountMax;
