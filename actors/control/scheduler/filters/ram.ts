/** Passes hosts with enough free memory. */
import { amountFilter } from "./amount.ts";

export const ram = amountFilter("ram", "memoryMib", (count) => `${count} MiB`);
