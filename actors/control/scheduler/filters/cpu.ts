/** Passes hosts with enough free CPU. pinning.ts decides about CPUs that a guest has to itself. */
import { counted } from "../../../../protocol/wire/wording.ts";
import { amountFilter } from "./amount.ts";

export const cpu = amountFilter("cpu", "vcpus", (count) => counted(count, "vCPU"));
