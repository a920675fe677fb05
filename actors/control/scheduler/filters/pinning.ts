/**
 * Keeps the two pools of a host's CPUs apart: pinned CPUs, which one guest has to itself, and the rest, which
 * the other guests share by the overcommit ratio. A host that reports no NUMA nodes has no CPU to pin.
 */

import { sharedFree } from "../../../../protocol/numa.ts";
import { counted, isOrAre } from "../../../../protocol/wire/wording.ts";
import { isDedicated } from "../numa.ts";
import type { HostView } from "../state.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const pinning: RequestFilter = {
  name: "pinning",
  effort: efforts.work,
  prepare: (request) => (isDedicated(request.extraSpecs) ? dedicated(request.vcpus) : shared(request.vcpus)),
};

/** vCPUs left for guests that share CPUs, once `more` CPUs are pinned. */
function sharedBeside({ capacity, claimed, pinnedCpus, realCpus }: HostView, more: number): number {
  const after = { pinnedCpus: pinnedCpus + more, vcpusClaimed: claimed.vcpus + more };
  return sharedFree({ realCpus, vcpus: capacity.vcpus, ...after });
}

function dedicated(vcpus: number) {
  const refuse: Refuse = (host) => {
    if (host.realCpus === 0)
      return {
        reason: "the host does not report its CPUs, so that no guest can have some to itself",
        remedy: "choose a flavor with hw:cpu_policy shared",
      };
    const free = host.realCpus - host.pinnedCpus;
    const asked = `${counted(vcpus, "CPU")} of its own ${isOrAre(vcpus)} asked for`;
    if (vcpus > free)
      return {
        reason: `${asked}, ${free} of ${host.realCpus} ${isOrAre(free)} nobody's own`,
        remedy: `free ${counted(vcpus - free, "CPU")} more or choose a flavor with hw:cpu_policy shared`,
      };
    return {
      reason: `${asked}, and the guests that share CPUs need ${vcpus === 1 ? "it" : "these"}`,
      remedy: "move guests that share CPUs away, or choose a flavor with hw:cpu_policy shared",
    };
  };
  return (host: HostView) =>
    (vcpus <= host.realCpus - host.pinnedCpus && sharedBeside(host, vcpus) >= 0) || refuse;
}

function shared(vcpus: number) {
  const refuse: Refuse = (host) => {
    const free = Math.max(0, sharedBeside(host, 0));
    const asked = `${counted(vcpus, "vCPU")} ${isOrAre(vcpus)} asked for`;
    return {
      reason: `${asked}, ${free} ${isOrAre(free)} free beside ${counted(host.pinnedCpus, "CPU")} of guests' own`,
      remedy: `free ${counted(vcpus - free, "vCPU")} more or move a guest with CPUs of its own away`,
    };
  };
  return (host: HostView) =>
    host.pinnedCpus === 0 || host.realCpus === 0 || vcpus <= sharedBeside(host, 0) || refuse;
}
