/** What the plug-in refuses, each with code and next step: clients act on the code, people on the step. */
import { StatusError } from "novact/plugin";
import { windowLimits } from "./limits.ts";
import { timeText } from "./window.ts";

/** @throws maintenance.endsBeforeBegin, maintenance.inThePast */
export function assertAhead(
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
  nowMs: number,
): void {
  if (untilMs <= fromMs)
    throw new StatusError(
      "maintenance.endsBeforeBegin",
      `The window would end at ${timeText(untilMs)}, and begins at ${timeText(fromMs)}.`,
      { code: "INVALID_ARGUMENT", next: "Let it end after it begins." },
    );
  if (untilMs <= nowMs)
    throw new StatusError(
      "maintenance.inThePast",
      `The window would be over: it ends at ${timeText(untilMs)}, and now is ${timeText(nowMs)}.`,
      { code: "INVALID_ARGUMENT", next: "Name a time to come, in milliseconds since 1970." },
    );
}

/** @throws maintenance.tooMany */
export function assertRoom(there: number): void {
  if (there < windowLimits.windowsMax) return;
  throw new StatusError(
    "maintenance.tooMany",
    `There are ${there} windows, and ${windowLimits.windowsMax} is the most.`,
    { code: "RESOURCE_EXHAUSTED", next: "Remove those that are over: novact maintenance-window prune." },
  );
}

export const noWindow = (name: string): StatusError =>
  new StatusError("maintenance.noWindow", `No maintenance is planned for the host of the instance ${name}.`, {
    code: "FAILED_PRECONDITION",
    next: "Nothing: the instance can stay as it is.",
  });
