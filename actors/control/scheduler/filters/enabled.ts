/**
 * Passes hosts that are enabled. The reason of a disabled host is for operators only: every project may read
 * a filter's text, which is kept with failures.
 */
import { efforts, type HostFilter, type Refuse } from "./filter.ts";

const refuse: Refuse = () => ({ reason: "the host is disabled", remedy: "enable the host" });

export const enabled: HostFilter = {
  name: "enabled",
  effort: efforts.command,
  check: (host) => host.enabled || refuse,
};
