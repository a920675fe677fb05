/** Passes hosts that an operator has not disabled. */
import { efforts, type Filter, type Refuse } from "./filter.ts";

const refuse: Refuse = ({ disabledReason }) => ({
  reason: `the host is disabled: ${disabledReason ?? "no reason was given"}`,
  remedy: "enable the host",
});

export const enabled: Filter = {
  name: "enabled",
  effort: efforts.command,
  prepare: () => (host) => host.enabled || refuse,
};
