/** Where instances of a load may run: on hosts with one of novact's own hypervisors, or on any. Data only. */
import { hypervisorNames } from "../drivers/built-in.ts";

export const hypervisorChoices = [...hypervisorNames, "any"] as const;
export type HypervisorChoice = (typeof hypervisorChoices)[number];
