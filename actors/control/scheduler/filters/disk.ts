/** Passes hosts with enough free disk, on their own storage or on the one that they share. */
import { amountFilter } from "./amount.ts";

export const disk = amountFilter({
  name: "disk",
  amount: "diskGib",
  of: (count) => `${count} GiB`,
  beside: ({ storageId }, stored) => (storageId === null ? 0 : (stored.get(storageId) ?? 0)),
});
