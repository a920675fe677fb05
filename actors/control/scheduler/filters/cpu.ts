/** Passes hosts with enough free CPU. Which of the CPUs a guest may have to itself is pinning.ts's to say. */
import { amountFilter } from "./amount.ts";

export const cpu = amountFilter("cpu", "vcpus", "vCPUs");
