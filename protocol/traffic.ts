/**
 * What has passed a port, and what was dropped there, as its guest sees it. Counts begin with the guest's
 * plug, and again with the process or device that carries its packets: a lower count is a new beginning.
 * What a driver does not count is null, and never zero. Schemas only.
 */
import { type Static, type TProperties, Type } from "@sinclair/typebox";
import { answer, Count, Id, nullable } from "./wire/schema.ts";

/** Packets; null: the driver of the host does not count them. */
const Uncertain = nullable(Count);

/** `rule`: of the port's groups; `limit`: of its bandwidth. */
const direction = <Own extends TProperties>(own: Own) =>
  answer({
    packets: Count,
    bytes: Count,
    dropped: answer({ rule: Uncertain, limit: Uncertain, ...own, other: Uncertain }),
  });

const directions = {
  /** What the guest was given; what was dropped is not in `packets`. Other drops: it did not read. */
  ingress: direction({}),
  /** What the guest has sent, also what was dropped. `forged`: it has pretended to be somebody else. */
  egress: direction({ forged: Uncertain }),
};

/** As its host has it. */
export const PortTraffic = answer({
  portId: Id,
  /** How long ago it was read. */
  agoMs: Count,
  ...directions,
});
export type PortTraffic = Static<typeof PortTraffic>;

/** As clients see it: null where nobody knows. */
export const PortCounters = answer({
  portId: Id,
  /** Null: it is on no host. */
  hostName: nullable(Type.String()),
  /** When they were read on the host. */
  atMs: nullable(Count),
  ingress: nullable(directions.ingress),
  egress: nullable(directions.egress),
  /** A sentence for people: why nobody knows. Absent: the counters are there. */
  reason: Type.Optional(Type.String()),
});
export type PortCounters = Static<typeof PortCounters>;
