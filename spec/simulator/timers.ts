/** How many timers a run may have at once: more would be something that grows without end. Pure. */
import { admissionLimits } from "../../protocol/limits/admission.ts";
import type { Plan } from "./plan.ts";

/** Timers that are to fire: runs of this size have some hundreds. */
const timersMax = 5_000;
/** In a flood, a controller has two timers for each request that waits, and one for each in the queue. */
const { waitsMax, requestsQueuedMax } = admissionLimits;
const floodTimersMax = 2 * waitsMax + requestsQueuedMax;

export const timersMaxOf = ({ faults, parameters }: Plan): number =>
  faults.some(({ fault }) => fault === "flood")
    ? timersMax + parameters.controllers * floodTimersMax
    : timersMax;
