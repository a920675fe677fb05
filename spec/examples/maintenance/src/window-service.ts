/** The windows as operators make them, and the query for those that come. */
import {
  answer,
  Count,
  changed,
  extensionService,
  Id,
  kept,
  Label,
  made,
  method,
  request,
  rowRemoved,
  service,
  Type,
} from "novact/plugin";
import { named } from "./host-names.ts";
import { windowLimits } from "./limits.ts";
import { assertAhead, assertRoom } from "./refusals.ts";
import { aheadOf, maintenanceWindow, WindowReason, WindowTime } from "./window.ts";

const hosts = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
  minItems: 1,
  maxItems: windowLimits.hostsMax,
  description: "ids or names of hosts",
});
const Upcoming = answer({
  id: Id,
  name: Label,
  hostNames: Type.Array(Type.String()),
  fromMs: WindowTime,
  untilMs: WindowTime,
  reason: WindowReason,
  underWay: Type.Boolean(),
});

export const windowService = service({
  noun: maintenanceWindow.noun,
  version: "1.0.0",
  summary: "When hosts are worked on.",
  methods: {
    create: made(
      maintenanceWindow,
      { hosts, fromMs: WindowTime, untilMs: WindowTime, reason: WindowReason },
      "Plans work on hosts: from some time before it begins they get no new instance.",
    ),
    ...kept(maintenanceWindow),
    set: changed(maintenanceWindow, { untilMs: WindowTime }, "Changes when a window ends."),
    upcoming: method({
      request: request({
        hours: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: windowLimits.upcomingHoursMax,
            description: "how many hours to look ahead; 24 if absent",
          }),
        ),
      }),
      answer: answer({ windows: Type.Array(Upcoming) }),
      target: "collection",
      audience: "admin",
      mutates: false,
      summary: "Lists the windows that are open or begin within some hours, in order of their begin.",
    }),
    prune: method({
      request: request({}),
      answer: answer({ pruned: Type.Array(Label), left: Count }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: `Removes windows that are over, the oldest first, at most ${windowLimits.prunedMax} at once.`,
    }),
  },
});

export const windows = extensionService(windowService, (tools) => {
  const join = named(tools.hosts);
  const { create, change, list, get, delete: remove } = tools.resource(maintenanceWindow, { join });
  const all = (context: Parameters<typeof get>[1]) =>
    tools.rows.list(maintenanceWindow, context, { limit: windowLimits.windowsMax });
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { hosts, ...fields } = request;
      const found = async () => {
        assertAhead(fields, tools.clock.nowMs());
        // Two at once may make one more than the most, which harms nobody.
        assertRoom((await all(context)).length);
        const hostIds = new Set<string>();
        for (const host of hosts) hostIds.add((await tools.hosts.get(context, host)).id);
        return { ...fields, hostIds: [...hostIds] };
      };
      const { fromMs, untilMs } = fields;
      return create(found, { request, context, told: { fromMs, untilMs } });
    },
    set: (request, context) =>
      change("set", { request, context }, async (before) => {
        const after = { ...before, ...request };
        assertAhead(after, tools.clock.nowMs());
        return { after, body: request };
      }),
    upcoming: async ({ hours = 24 }, context) => {
      const nowMs = tools.clock.nowMs();
      const soon = aheadOf(await all(context), nowMs).filter(
        ({ fromMs }) => fromMs <= nowMs + hours * 3_600_000,
      );
      const shown = await join(soon, context);
      return {
        windows: shown.map(({ id, name, hostNames, fromMs, untilMs, reason }) => ({
          ...{ id, name, hostNames, fromMs, untilMs, reason },
          underWay: fromMs <= nowMs,
        })),
      };
    },
    prune: async (request, context) => {
      const nowMs = tools.clock.nowMs();
      const over = (await all(context)).filter(({ untilMs }) => untilMs <= nowMs);
      const pruned = over.slice(0, windowLimits.prunedMax);
      const { noun } = maintenanceWindow;
      const changes = {
        rows: pruned.map((one) => rowRemoved(maintenanceWindow, one)),
        events: pruned.map(({ id, name }) => ({ noun, id, event: "deleted", body: { name } })),
      };
      const told = { pruned: pruned.map(({ name }) => name), left: over.length - pruned.length };
      return tools.commit(`${noun}.prune`, { request, context }, changes, told);
    },
  };
});
