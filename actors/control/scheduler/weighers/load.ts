/**
 * A host's load: builds under way, instances, builds that failed in a row. All avoid the host, as in Nova.
 */
import { schedulerLimits } from "../limits.ts";
import { type HostWeigher, saturating } from "./weigher.ts";

/** The weight is one half at the number of builds that Nova allows at once. */
export const ioLoad: HostWeigher = {
  name: "ioLoad",
  novaName: "io_ops",
  multiplier: -1,
  weigh: (host) => (host.ioOps === 0 ? 0 : saturating(host.ioOps, schedulerLimits.weigherIoOpsHalf)),
};

/** Off by default, as in Nova: the sizes of the instances say more than their number. */
export const instanceCount: HostWeigher = {
  name: "instanceCount",
  novaName: "num_instances",
  multiplier: 0,
  weigh: (host) => saturating(host.instances, schedulerLimits.weigherInstancesHalf),
};

/** Outweighs all other weighers: a host that fails builds is empty, and would attract all of them. */
export const buildFailures: HostWeigher = {
  name: "buildFailures",
  novaName: "build_failure",
  multiplier: -1_000,
  weigh: (host) => (host.failedBuilds === 0 ? 0 : saturating(host.failedBuilds, 1)),
};
