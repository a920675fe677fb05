/** Passes hosts that an operator has not disabled. */
import type { Filter } from "./filter.ts";

export const enabled: Filter = {
  name: "enabled",
  check: (host) =>
    host.enabled || (() => `the host is disabled: ${host.disabledReason ?? "no reason was given"}`),
};
