/** The common part of the filters of memory, CPUs and disk: the amount that is asked for must be free. */
import { isOrAre } from "../../../../protocol/wire/wording.ts";
import type { Amounts, Stored } from "../messages.ts";
import type { HostView } from "../state.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

interface Sought {
  readonly name: string;
  readonly amount: keyof Amounts;
  /** The amount in words. */
  readonly of: (count: number) => string;
  /** What more of it is taken than the view shows. Absent: nothing. */
  readonly beside?: (view: HostView, stored: Stored) => number;
}

/** The filter of one amount, counted with its overcommit ratio. */
export const amountFilter = ({ name, amount, of, beside }: Sought): RequestFilter => ({
  name,
  effort: efforts.work,
  amount,
  prepare: (request, _members, stored) => {
    const asked = request[amount];
    const leftOf = (view: HostView): number =>
      view.capacity[amount] - view.claimed[amount] - (beside?.(view, stored) ?? 0);
    const refuse: Refuse = (view) => {
      const left = leftOf(view);
      const free = Math.max(0, left);
      return {
        reason: `${of(asked)} ${isOrAre(asked)} asked for, ${free} ${isOrAre(free)} free`,
        remedy:
          asked > view.capacity[amount]
            ? `choose a flavor with at most ${of(view.capacity[amount])}, which is all that the host has`
            : `free ${of(asked - left)} more${free > 0 ? ` or choose a flavor with at most ${of(free)}` : ""}`,
      };
    };
    // Who asks for none passes, also where more is claimed than there is, as on a storage that has shrunk.
    return asked === 0 ? undefined : (view) => asked <= leftOf(view) || refuse;
  },
});
