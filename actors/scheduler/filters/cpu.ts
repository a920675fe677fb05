/** Passes hosts with enough free CPU, counted with their overcommit ratio. */
import type { Filter } from "./filter.ts";

export const cpu: Filter = {
  name: "cpu",
  check: (host, request) => {
    const free = host.capacity.vcpus - host.claimed.vcpus;
    return (
      request.vcpus <= free || (() => `${request.vcpus} vCPUs are asked for, ${Math.max(0, free)} are free`)
    );
  },
};
