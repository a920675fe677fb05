/**
 * The filters of a host's load, whatever room it has: builds at once, and instances. An aggregate may lower
 * or raise both limits by Nova's metadata. Failing builds are a weigher's business.
 */
import { counted, isOrAre } from "../../../../protocol/wire/wording.ts";
import { efforts, type HostFilter, type Refuse } from "./filter.ts";

const tooBusy: Refuse = ({ ioOps, aggregates }) => ({
  reason: `${counted(ioOps, "instance")} ${isOrAre(ioOps)} being built or moved there, ${aggregates.ioOpsMax} may be at once`,
  remedy: "wait until some of these are done",
});

/** Metadata of an aggregate: max_io_ops_per_host. */
export const ioOps: HostFilter = {
  name: "ioOps",
  effort: efforts.waiting,
  check: (host) => host.ioOps < host.aggregates.ioOpsMax || tooBusy,
};

const tooMany: Refuse = ({ instances: count, aggregates }) => ({
  reason: `${counted(count, "instance")} ${isOrAre(count)} there, ${aggregates.instancesMax} may be`,
  remedy: "move instances away, or raise max_instances_per_host of the host's aggregates",
});

/** Metadata of an aggregate: max_instances_per_host. */
export const instances: HostFilter = {
  name: "instances",
  effort: efforts.work,
  check: (host) => host.instances < host.aggregates.instancesMax || tooMany,
};
