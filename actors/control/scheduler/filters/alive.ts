/** Passes hosts that were heard from lately. */
import { leaseLimits } from "../../../../protocol/limits/lease.ts";
import type { HostView } from "../state.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const isAlive = (host: HostView, atMs: number): boolean =>
  atMs - host.heardAtMs <= leaseLimits.hostSilentMs;

export const alive: RequestFilter = {
  name: "alive",
  effort: efforts.work,
  prepare: ({ atMs }) => {
    const refuse: Refuse = ({ heardAtMs }) => {
      const silentMs = atMs - heardAtMs;
      const reason = Number.isFinite(silentMs)
        ? `the host has been silent for ${Math.round(silentMs / 1_000)} s`
        : "the host has not been heard from since this controller started";
      return { reason, remedy: "start the host's agent, or mend its network" };
    };
    return (host) => isAlive(host, atMs) || refuse;
  },
};
