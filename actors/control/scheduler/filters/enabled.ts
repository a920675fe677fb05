/**
 * Passes hosts that an operator has not disabled. Why one did is for operators: every project may read what
 * a filter says, and it is kept with what failed.
 */
import { efforts, type HostFilter, type Refuse } from "./filter.ts";

const refuse: Refuse = () => ({ reason: "the host is disabled", remedy: "enable the host" });

export const enabled: HostFilter = {
  name: "enabled",
  effort: efforts.command,
  check: (host) => host.enabled || refuse,
};
