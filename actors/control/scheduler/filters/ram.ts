/** Passes hosts with enough free memory. */
import { amountFilter } from "./amount.ts";

export const ram = amountFilter({
  name: "ram",
  amount: "memoryMib",
  of: (count) => `${count} MiB`,
});
