/** Passes hosts that were heard from lately. */
import { limits } from "../../../protocol/limits.ts";
import type { HostView } from "../state.ts";
import type { Filter } from "./filter.ts";

export const isAlive = (host: HostView, atMs: number): boolean =>
  atMs - host.heardAtMs <= limits.hostSilentMs;

export const alive: Filter = {
  name: "alive",
  check: (host, request) =>
    isAlive(host, request.atMs) ||
    (() => {
      const silentMs = request.atMs - host.heardAtMs;
      if (!Number.isFinite(silentMs)) return "the host has not been heard from since this controller started";
      return `the host has been silent for ${Math.round(silentMs / 1_000)} s`;
    }),
};
