/** The common part of the filters of memory, CPUs and disk: the amount that is asked for must be free. */
import type { Amounts } from "../messages.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

/** The filter of one amount, counted with its overcommit ratio. */
export const amountFilter = (name: string, amount: keyof Amounts, unit: string): RequestFilter => ({
  name,
  effort: efforts.work,
  amount,
  prepare: (request) => {
    const asked = request[amount];
    const refuse: Refuse = ({ capacity, claimed }) => {
      const free = Math.max(0, capacity[amount] - claimed[amount]);
      const more = asked - (capacity[amount] - claimed[amount]);
      return {
        reason: `${asked} ${unit} are asked for, ${free} are free`,
        remedy:
          asked > capacity[amount]
            ? `choose a flavor with at most ${capacity[amount]} ${unit}, which is all that the host has`
            : `free ${more} ${unit} more${free > 0 ? ` or choose a flavor with at most ${free} ${unit}` : ""}`,
      };
    };
    return ({ capacity, claimed }) => asked <= capacity[amount] - claimed[amount] || refuse;
  },
});
