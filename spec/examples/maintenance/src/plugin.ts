/** The plug-in `maintenance`: its options in cluster.yaml, and all of its parts. It opens nothing. */
import { definePlugin, Type } from "novact/plugin";
import { guestMaintenance } from "./guest-maintenance.ts";
import { windowFacts } from "./host-facts.ts";
import { windowLimits } from "./limits.ts";
import { notInWindow } from "./not-in-window.ts";
import { maintenanceWindow, plugin } from "./window.ts";
import { windows } from "./window-service.ts";

export default definePlugin({
  name: plugin,
  api: 1,
  options: Type.Object(
    {
      leadMinutes: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: windowLimits.leadMinutesMax,
          description: "how many minutes before a window begins its hosts get no new instance",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  parts: ({ leadMinutes = 60 }) => ({
    resources: [maintenanceWindow],
    services: [windows],
    actions: [guestMaintenance],
    facts: windowFacts(leadMinutes * 60_000),
    filters: [notInWindow],
  }),
});
