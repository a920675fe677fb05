/** Passes hosts that an operator has not disabled. */
import { efforts, type HostFilter, type Refuse } from "./filter.ts";

const refuse: Refuse = ({ disabledReason }) => ({
  reason: `the host is disabled: ${disabledReason ?? "no reason was given"}`,
  remedy: "enable the host",
});

export const enabled: HostFilter = {
  name: "enabled",
  effort: efforts.command,
  check: (host) => host.enabled || refuse,
};
