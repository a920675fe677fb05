/** Questions to the hosts of ports, for commands that show a port or change it. */
import { assertLimitKept, type LimitKeepingOptions } from "./limit-keeping.ts";
import { type PortCountersOptions, portCounters } from "./port-counters.ts";
import { type PortStatesOptions, portStates } from "./port-states.ts";

type Agents = ReturnType<PortStatesOptions["hostAgent"]> & ReturnType<PortCountersOptions["hostAgent"]>;

export interface PortLooksOptions
  extends Omit<PortStatesOptions & PortCountersOptions & LimitKeepingOptions, "hostAgent"> {
  readonly hostAgent: (hostId: string) => Agents;
}

export const portLooks = (options: PortLooksOptions) => ({
  portStates: portStates(options),
  portCounters: portCounters(options),
  assertLimitKept: assertLimitKept(options),
});
