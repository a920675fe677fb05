/** The services, actions and facts of the plug-in for specs: a good one, and handlers that misbehave. */
import { type Static, Type } from "@sinclair/typebox";
import {
  type Acting,
  type ExtensionFacts,
  extensionService,
  hostActions,
  instanceActions,
  type NamedExtensions,
} from "../../actors/control/extensions/definition.ts";
import { rowMade } from "../../actors/control/request/row-changes.ts";
import type { Instance } from "../../protocol/instance.ts";
import { changed, kept, made } from "../../protocol/wire/resource.ts";
import { answer, Count, Id, request, TimeMs } from "../../protocol/wire/schema.ts";
import { method, service } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { flag, note, toyResources, window } from "./toy-extension.ts";

const Color = Type.Union([Type.Literal("red"), Type.Literal("blue")]);

export const flagService = service({
  noun: "signal-flag",
  version: "1.0.0",
  summary: "Flags that a project hoists.",
  methods: {
    create: made(flag, { color: Color, raised: Type.Optional(Type.Boolean()) }, "Sews a flag."),
    ...kept(flag),
    hoist: changed(flag, { raised: Type.Boolean() }, "Hoists it, or takes it down."),
    colors: method({
      request: request({}),
      answer: answer({ red: Count, blue: Count }),
      target: "collection",
      audience: "project",
      mutates: false,
      summary: "How many flags there are of each color.",
    }),
  },
});

export const noteService = service({
  noun: "note",
  version: "1.0.0",
  summary: "Notes that a user writes.",
  methods: { create: made(note, { words: note.fields.words }, "Writes a note."), ...kept(note) },
});

export const windowService = service({
  noun: "maintenance-window",
  version: "1.0.0",
  summary: "When hosts are worked on.",
  methods: {
    create: made(window, { host: Id, fromMs: TimeMs, toMs: TimeMs }, "Plans work on a host."),
    ...kept(window),
  },
});

const entity = { target: "entity", audience: "project", mutates: true } as const;
const state = answer({ name: Type.String(), notes: Count });

export const careService = service({
  noun: "guest-care",
  version: "1.0.0",
  summary: "What is done for guests.",
  methods: {
    mark: method({
      ...entity,
      request: request({ words: Type.String({ maxLength: 100 }) }),
      answer: state,
      summary: "Marks an instance, and keeps a note of it.",
    }),
    jot: method({
      ...entity,
      request: request({ words: Type.String({ maxLength: 100 }) }),
      answer: state,
      summary: "Keeps a note of an instance.",
    }),
    look: method({
      ...{ ...entity, mutates: false },
      request: request({}),
      answer: answer({ name: Type.String(), state: Type.String() }),
      summary: "Looks at an instance.",
    }),
    rest: method({ ...entity, request: request({}), answer: state, summary: "Stops an instance." }),
    spoil: method({
      ...entity,
      request: request({ how: Type.String() }),
      answer: state,
      summary: "Does wrong, in one of several ways.",
    }),
  },
});

export const rackService = service({
  noun: "rack-care",
  version: "1.0.0",
  summary: "What is done for hosts.",
  methods: {
    rest: method({
      ...{ ...entity, audience: "admin" },
      request: request({ reason: Type.String({ minLength: 1, maxLength: 100 }) }),
      answer: answer({ enabled: Type.Boolean() }),
      summary: "Keeps new instances off a host.",
    }),
  },
});

const flags = extensionService(flagService, (tools) => {
  const { create, change, list, get, delete: remove } = tools.resource(flag);
  return {
    ...{ list, get, delete: remove },
    create: (request, context) => {
      const { name, color, raised = false } = request;
      return create({ name, color, raised, remark: null }, { request, context });
    },
    hoist: (request, context) =>
      change("hoist", { request, context }, async (before) => ({
        after: { ...before, ...request },
        body: request,
      })),
    colors: async (_request, context) => {
      const all = await tools.rows.list(flag, context, { limit: 1_000 });
      const of = (color: Static<typeof Color>) => all.filter((one) => one.color === color).length;
      return { red: of("red"), blue: of("blue") };
    },
  };
});

const notes = extensionService(noteService, (tools) => {
  const { create, list, get, delete: remove } = tools.resource(note);
  return { list, get, delete: remove, create: (request, context) => create(request, { request, context }) };
});

const windows = extensionService(windowService, (tools) => {
  const { create, list, get, delete: remove } = tools.resource(window);
  return {
    ...{ list, get, delete: remove },
    create: async (request, context) => {
      const { host, ...fields } = request;
      const { id } = await tools.hosts.get(context, host);
      return create({ ...fields, hostId: id }, { request, context });
    },
  };
});

/** What `spoil` does; each must harm nothing but its own request. */
const spoiling: Readonly<Record<string, () => Promise<never>>> = {
  throw: async () => {
    throw new TypeError("a secret of the plug-in");
  },
  hang: () => new Promise(() => undefined),
  refuse: async () => {
    throw new StatusError("acme.tooHot", "The guest is too hot.", {
      ...{ code: "FAILED_PRECONDITION", next: "Let it cool." },
    });
  },
  refuseByCopy: async () => {
    const toBody = () => ({
      code: "ABORTED",
      reason: "acme.moved",
      message: "It moved.",
      next: "Look again.",
    });
    throw Object.assign(new Error("It moved."), { name: "StatusError", toBody });
  },
  pretend: async () => {
    throw new StatusError("other.tooHot", "It is not ours to say.");
  },
};

/** A note of an instance, with an event about it. */
async function noteOf({ request, context, target, tools }: Acting<{ words: string }, Instance>) {
  const row = await tools.newRow(note, context, { name: target.name, words: [request.words] });
  const notes = (await tools.rows.list(note, context, { limit: 10 })).length + 1;
  return {
    answer: { name: target.name, notes },
    event: { event: "acme-marked", body: { words: request.words } },
    rows: [rowMade(note, row)],
  };
}

const care = instanceActions(careService, {
  mark: async (acting) => {
    await acting.command("set", { metadata: { mark: acting.request.words } });
    return noteOf(acting);
  },
  jot: noteOf,
  look: async ({ target: { name, state } }) => ({ answer: { name, state } }),
  rest: async ({ target: { name }, command }) => {
    await command("stop", { mode: "hard" });
    return { answer: { name, notes: 0 } };
  },
  spoil: async ({ request, command }) => {
    if (request.how === "evacuate") await command("evacuate");
    if (request.how === "foreign")
      return { answer: { name: "", notes: 0 }, event: { event: "deleted", body: {} } };
    if (request.how === "dotted")
      return { answer: { name: "", notes: 0 }, event: { event: "acme-a.b", body: {} } };
    return (spoiling[request.how] ?? spoiling.throw)?.() as never;
  },
});

const racks = hostActions(rackService, {
  rest: async ({ request, command }) => {
    const { host } = (await command("disable", { reason: request.reason })) as {
      readonly host: { readonly enabled: boolean };
    };
    return { answer: { enabled: host.enabled } };
  },
});

export const toyFacts: ExtensionFacts = {
  from: [window],
  of: ({ rows, nowMs }) => {
    const facts: Record<string, unknown> = {};
    for (const row of rows[window.noun] ?? []) {
      const { hostId, fromMs, toMs }: Partial<Record<string, unknown>> = { ...row };
      if (Number(toMs) > nowMs) facts[String(hostId)] = { fromMs, toMs };
    }
    return facts;
  },
};

const parts = {
  resources: toyResources,
  services: [flags, notes, windows],
  actions: [care, racks],
};

/** Without facts, for which there is a loop. */
export const toyExtensions: NamedExtensions = { name: "acme", parts };

export const toyPlugin: NamedExtensions = { name: "acme", parts: { ...parts, facts: toyFacts } };
