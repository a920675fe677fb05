/**
 * Passes hosts that have room on their file systems. What a host said a while ago is not believed any more:
 * another controller may have heard since that there is room.
 */
import { schedulerLimits } from "../limits.ts";
import type { FullDisk, HostView } from "../state.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const fullDiskOf = ({ full }: HostView, atMs: number): FullDisk | undefined =>
  full !== undefined && atMs - full.saidAtMs <= schedulerLimits.fullBelievedMs ? full : undefined;

const refuse: Refuse = ({ full }) => {
  const { of = "disk", freeMib = 0, totalMib = 0 } = full?.space ?? {};
  return {
    reason: `the file system of the ${of} is full: ${freeMib} of ${totalMib} MiB are free`,
    remedy: "free space there",
  };
};

export const space: RequestFilter = {
  name: "space",
  effort: efforts.work,
  prepare:
    ({ atMs }) =>
    (host) =>
      fullDiskOf(host, atMs) === undefined || refuse,
};
