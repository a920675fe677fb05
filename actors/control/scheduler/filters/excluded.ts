/** Passes hosts where this build has not failed before. */
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const excluded: RequestFilter = {
  name: "excluded",
  effort: efforts.work,
  prepare: (request) => {
    if (request.excluded.length === 0) return undefined;
    const reasons = new Map(request.excluded.map(({ hostId, reason }) => [hostId, reason]));
    const refuse: Refuse = ({ id }) => ({
      reason: `the build failed on this host before: ${reasons.get(id)}`,
      remedy: "mend what failed there and create the instance anew",
    });
    return (host) => !reasons.has(host.id) || refuse;
  },
};
