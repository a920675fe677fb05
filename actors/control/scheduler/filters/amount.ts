/** The common part of the filters of memory, CPUs and disk: the amount that is asked for must be free. */
import { isOrAre } from "../../../../protocol/wire/wording.ts";
import type { Amounts } from "../messages.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

/** The filter of one amount, counted with its overcommit ratio. `of`: so much of it, in words. */
export const amountFilter = (
  name: string,
  amount: keyof Amounts,
  of: (count: number) => string,
): RequestFilter => ({
  name,
  effort: efforts.work,
  amount,
  prepare: (request) => {
    const asked = request[amount];
    const refuse: Refuse = ({ capacity, claimed }) => {
      const free = Math.max(0, capacity[amount] - claimed[amount]);
      const more = asked - (capacity[amount] - claimed[amount]);
      return {
        reason: `${of(asked)} ${isOrAre(asked)} asked for, ${free} ${isOrAre(free)} free`,
        remedy:
          asked > capacity[amount]
            ? `choose a flavor with at most ${of(capacity[amount])}, which is all that the host has`
            : `free ${of(more)} more${free > 0 ? ` or choose a flavor with at most ${of(free)}` : ""}`,
      };
    };
    return ({ capacity, claimed }) => asked <= capacity[amount] - claimed[amount] || refuse;
  },
});
