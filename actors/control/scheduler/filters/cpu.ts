/** Passes hosts with enough free CPU. pinning.ts decides about CPUs that a guest has to itself. */
import { counted } from "../../../../protocol/wire/wording.ts";
import { amountFilter } from "./amount.ts";

export const cpu = amountFilter({
  name: "cpu",
  amount: "vcpus",
  of: (count) => counted(count, "vCPU"),
});
