/** Passes hosts with enough free CPU. pinning.ts decides about CPUs that a guest has to itself. */
import { amountFilter } from "./amount.ts";

export const cpu = amountFilter("cpu", "vcpus", "vCPUs");
