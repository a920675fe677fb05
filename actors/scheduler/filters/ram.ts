/** Passes hosts with enough free memory, counted with their overcommit ratio. */
import type { Filter } from "./filter.ts";

export const ram: Filter = {
  name: "ram",
  check: (host, request) => {
    const free = host.capacity.memoryMib - host.claimed.memoryMib;
    return (
      request.memoryMib <= free ||
      (() => `${request.memoryMib} MiB are asked for, ${Math.max(0, free)} are free`)
    );
  },
};
