/**
 * How many connections to PostgreSQL a cluster takes: what a controller may open, and what our own server
 * offers for so many controllers. One place, so that neither changes without the other. Pure.
 */
import { configLimits } from "./limits.ts";

const { actorsConnectionsMax, safetyConnectionsMax, otherConnectionsMax } = configLimits;

/** What so many controllers open together at most. */
export const connectionsOf = (controllers: number): number =>
  controllers * (actorsConnectionsMax + safetyConnectionsMax);

/** `max_connections` of a server of our own. */
export const ownServerConnections = (controllers: number): number =>
  connectionsOf(controllers) + otherConnectionsMax;
