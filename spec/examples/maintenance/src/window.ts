/**
 * A maintenance window: hosts that people work on, from when to when, and why. And which window concerns a
 * host next. Pure.
 */
import { Id, Label, type ResourceRow, type RowOf, resource, Type } from "novact/plugin";
import { windowLimits } from "./limits.ts";

export const plugin = "maintenance";

export const WindowTime = Type.Integer({
  minimum: 0,
  maximum: windowLimits.timeMsMax,
  description: "a time before the year 2100, in milliseconds since 1970",
});

/** Owners of guests read it, too. */
export const WindowReason = Type.String({
  minLength: 1,
  maxLength: windowLimits.reasonLengthMax,
  pattern: "^[^\\x00-\\x1f\\x7f]+$",
  description: `why, in 1 to ${windowLimits.reasonLengthMax} characters; owners of instances read it, too`,
});

export const maintenanceWindow = resource({
  plugin,
  noun: "maintenance-window",
  one: "maintenanceWindow",
  many: "maintenanceWindows",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  name: Label,
  nameUnique: true,
  fields: {
    hostIds: Type.Array(Id, { minItems: 1, maxItems: windowLimits.hostsMax }),
    fromMs: WindowTime,
    untilMs: WindowTime,
    reason: WindowReason,
  },
  joined: { hostNames: Type.Array(Type.String()) },
});
export type MaintenanceWindow = RowOf<typeof maintenanceWindow>;

/** novact has checked them against the resource's schema. */
export const windowsIn = (rows: readonly ResourceRow[]): readonly MaintenanceWindow[] =>
  rows as readonly MaintenanceWindow[];

/** Windows that are not over, in order of their begin. */
export const aheadOf = (windows: readonly MaintenanceWindow[], nowMs: number): readonly MaintenanceWindow[] =>
  windows
    .filter(({ untilMs }) => untilMs > nowMs)
    .sort((one, other) => one.fromMs - other.fromMs || (one.id < other.id ? -1 : 1));

/** For each host's id the window that is open or begins next. */
export function nextByHost(
  windows: readonly MaintenanceWindow[],
  nowMs: number,
): ReadonlyMap<string, MaintenanceWindow> {
  const next = new Map<string, MaintenanceWindow>();
  for (const one of aheadOf(windows, nowMs))
    for (const hostId of one.hostIds) if (!next.has(hostId)) next.set(hostId, one);
  return next;
}

/** `2026-12-01T22:00:00Z`. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
