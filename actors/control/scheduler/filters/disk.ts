/** Passes hosts with enough free disk. */
import { amountFilter } from "./amount.ts";

export const disk = amountFilter("disk", "diskGib", (count) => `${count} GiB`);
