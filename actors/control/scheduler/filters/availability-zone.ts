/** Passes hosts of the requested zone. A host is in the zone of its aggregates, else in `nova`. */
import { defaultZone } from "../../../../protocol/kinds.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const availabilityZone: RequestFilter = {
  name: "availabilityZone",
  effort: efforts.command,
  prepare: ({ availabilityZone: zone }) => {
    if (zone === undefined) return undefined;
    const refuse: Refuse = ({ aggregates }) => ({
      reason: `the zone ${zone} is asked for, the host is in ${aggregates.zone}`,
      remedy:
        zone === defaultZone
          ? "take the host out of the aggregate that puts it into a zone"
          : `add the host to an aggregate of zone ${zone}`,
    });
    return ({ aggregates }) => aggregates.zone === zone || refuse;
  },
};
