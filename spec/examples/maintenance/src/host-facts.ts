/**
 * What the scheduler knows of windows: for each host the next one, and whether the host is closed to new
 * guests by now. A filter has no clock, so this file says it, once a second.
 */
import type { ExtensionFacts, HostView } from "novact/plugin";
import { maintenanceWindow, nextByHost, plugin, windowsIn } from "./window.ts";

export interface NextWork {
  readonly window: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
  /** It has begun, or begins within the lead. */
  readonly closed: boolean;
}

export const windowFacts = (leadMs: number): ExtensionFacts => ({
  from: [maintenanceWindow],
  of: ({ rows, nowMs }) => {
    const facts: Record<string, NextWork> = {};
    const windows = windowsIn(rows[maintenanceWindow.noun] ?? []);
    for (const [hostId, { name, fromMs, untilMs, reason }] of nextByHost(windows, nowMs))
      facts[hostId] = { window: name, fromMs, untilMs, reason, closed: fromMs - leadMs <= nowMs };
    return facts;
  },
});

/** What the facts say of a host; undefined: nothing is planned. */
export const nextWork = ({ facts }: HostView): NextWork | undefined => facts[plugin] as NextWork | undefined;
