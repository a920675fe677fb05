/** Passes hosts that hold their host lease: without it a host may not run a new guest. */
import { efforts, type HostFilter, type Refuse } from "./filter.ts";

const refuse: Refuse = () => ({
  reason: "the host does not hold its lease",
  remedy: "wait until the host has renewed its lease, or look at why it cannot",
});

export const lease: HostFilter = {
  name: "lease",
  effort: efforts.waiting,
  check: (host) => host.leaseHeld || refuse,
};
