/** How busy a host is: builds under way, instances, builds that failed in a row. All avoid, as in Nova. */
import { limits } from "../../../../protocol/limits/limits.ts";
import { type HostWeigher, saturating } from "./weigher.ts";

/** One half at as many builds as Nova allows at once. */
export const ioLoad: HostWeigher = {
  name: "ioLoad",
  novaName: "io_ops",
  multiplier: -1,
  weigh: (host) => (host.ioOps === 0 ? 0 : saturating(host.ioOps, limits.weigherIoOpsHalf)),
};

/** Off unless it is asked for, as in Nova: how large the instances are says more than how many. */
export const instanceCount: HostWeigher = {
  name: "instanceCount",
  novaName: "num_instances",
  multiplier: 0,
  weigh: (host) => saturating(host.instances, limits.weigherInstancesHalf),
};

/** Outweighs everything else: a host that fails builds is empty, and would draw all of them. */
export const buildFailures: HostWeigher = {
  name: "buildFailures",
  novaName: "build_failure",
  multiplier: -1_000,
  weigh: (host) => (host.failedBuilds === 0 ? 0 : saturating(host.failedBuilds, 1)),
};
