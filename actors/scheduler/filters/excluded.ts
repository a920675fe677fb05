/** Passes hosts where this build has not failed before. */
import type { Filter } from "./filter.ts";

export const excluded: Filter = {
  name: "excluded",
  check: (host, request) => {
    const found = request.excluded.find(({ hostId }) => hostId === host.id);
    return found === undefined || (() => `the build failed on this host before: ${found.reason}`);
  },
};
