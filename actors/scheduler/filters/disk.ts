/** Passes hosts with enough free disk, counted with their overcommit ratio. */
import type { Filter } from "./filter.ts";

export const disk: Filter = {
  name: "disk",
  check: (host, request) => {
    const free = host.capacity.diskGib - host.claimed.diskGib;
    return (
      request.diskGib <= free || (() => `${request.diskGib} GiB are asked for, ${Math.max(0, free)} are free`)
    );
  },
};
