/**
 * What owners of instances learn of the work on their host, and may ask for. An owner cannot see windows or
 * hosts; the actions say of a window what concerns the instance. Nothing is moved or stopped by them: the
 * wish is written where owner and operators see it, and told as an event.
 */
import {
  answer,
  type CallContext,
  type ExtensionTools,
  instanceActions,
  Label,
  literals,
  method,
  nullable,
  request,
  service,
  Type,
} from "novact/plugin";
import { windowLimits } from "./limits.ts";
import { noWindow } from "./refusals.ts";
import { maintenanceWindow, nextByHost, plugin, WindowReason, WindowTime } from "./window.ts";

const Work = answer({
  window: Label,
  fromMs: WindowTime,
  untilMs: WindowTime,
  reason: WindowReason,
  underWay: Type.Boolean(),
});
const Wish = literals(["move", "stop", "stay"]);
const entity = { target: "entity", audience: "project" } as const;

export const guestService = service({
  noun: plugin,
  version: "1.0.0",
  summary: "What work on hosts means for instances.",
  methods: {
    when: method({
      ...{ ...entity, mutates: false },
      request: request({}),
      answer: answer({ work: nullable(Work) }),
      summary: "Tells when the host of an instance is worked on next; null: nothing is planned.",
    }),
    wish: method({
      ...{ ...entity, mutates: true },
      request: request({ wish: Wish }),
      answer: answer({ work: Work, wish: Wish }),
      summary: "Asks the operators to move an instance before the next work, to stop it, or to let it stay.",
    }),
  },
});

async function workOn(tools: ExtensionTools, context: CallContext, hostId: string | null) {
  if (hostId === null) return null;
  const nowMs = tools.clock.nowMs();
  const all = await tools.rows.list(maintenanceWindow, context, { limit: windowLimits.windowsMax });
  const next = nextByHost(all, nowMs).get(hostId);
  if (next === undefined) return null;
  const { id, name, fromMs, untilMs, reason } = next;
  return { id, shown: { window: name, fromMs, untilMs, reason, underWay: fromMs <= nowMs } };
}

export const guestMaintenance = instanceActions(guestService, {
  when: async ({ context, target, tools }) => ({
    answer: { work: (await workOn(tools, context, target.hostId))?.shown ?? null },
  }),
  wish: async ({ request: { wish }, context, target, tools, command }) => {
    const work = await workOn(tools, context, target.hostId);
    if (work === null) throw noWindow(target.name);
    await command("set", { metadata: { [plugin]: wish } });
    return {
      answer: { work: work.shown, wish },
      event: { event: `${plugin}-wished`, body: { wish, windowId: work.id } },
    };
  },
});
