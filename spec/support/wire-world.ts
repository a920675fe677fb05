/** A server with trivial handlers and clients of it, over any bus: enough to see the wire at work. */

import { Type } from "@sinclair/typebox";
import { placementLimits } from "../../protocol/limits/placement.ts";
import { type Binding, commandBinding } from "../../protocol/wire/binding.ts";
import { type ClientOptions, createClient } from "../../protocol/wire/client.ts";
import {
  answer,
  Count,
  Id,
  Label,
  literals,
  Metadata,
  request,
  Sentence,
} from "../../protocol/wire/schema.ts";
import { createServer, implement, type Server, type ServerOptions } from "../../protocol/wire/server.ts";
import { type CallContext, type Handlers, method, service } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";

export const cell = "test";

const Thing = answer({ id: Id, name: Type.String(), project: Type.String() });

/** A service with every kind of method. */
export const thingService = service({
  noun: "thing",
  version: "1.2.3",
  summary: "Things to test with.",
  methods: {
    make: method({
      request: request({
        name: Label,
        kind: Type.Optional(literals(["round", "square"])),
        count: Type.Optional(Type.Integer({ minimum: 1, maximum: placementLimits.createCountMax })),
        metadata: Type.Optional(Metadata),
        note: Type.Optional(Sentence),
        wait: Type.Optional(Type.Boolean()),
      }),
      answer: answer({ thing: Thing }),
      target: "collection",
      audience: "project",
      mutates: true,
      summary: "Makes a thing.",
    }),
    get: method({
      request: request({ size: Type.Optional(Count), waitMs: Type.Optional(Count) }),
      answer: answer({ thing: Thing, padding: Type.Optional(Type.String()) }),
      target: "entity",
      audience: "project",
      mutates: false,
      summary: "Shows a thing.",
    }),
    wipe: method({
      request: request({}),
      answer: answer({ wiped: Count }),
      target: "collection",
      audience: "admin",
      mutates: true,
      summary: "Removes every thing.",
    }),
  },
});

export type ThingHandlers = Handlers<typeof thingService>;

/** Handlers that do nothing but answer; every call is noted. */
export function thingHandlers(seen: CallContext[] = [], changes: Partial<ThingHandlers> = {}): ThingHandlers {
  const handlers: ThingHandlers = {
    make: async ({ name }, context) => ({ thing: { id: "t1", name, project: context.project } }),
    get: async ({ size }, context) => {
      if (context.id === "missing") throw new StatusError("instanceNotFound", "There is no thing missing.");
      const padding = size === undefined ? {} : { padding: "x".repeat(size) };
      return { thing: { id: context.id, name: "n", project: context.project }, ...padding };
    },
    wipe: async () => ({ wiped: 0 }),
    ...changes,
  };
  const noting =
    <Q, A>(handler: (body: Q, context: CallContext) => Promise<A>) =>
    (body: Q, context: CallContext): Promise<A> => {
      seen.push(context);
      return handler(body, context);
    };
  return { make: noting(handlers.make), get: noting(handlers.get), wipe: noting(handlers.wipe) };
}

/** A handler's work that goes on until nobody waits for it any more. */
export const untilAborted = ({ signal }: Pick<CallContext, "signal">): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

export interface Noted {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines in memory. */
export function rememberingLog(noted: Noted[] = []): Log {
  const at = (level: Noted["level"]) => (fields: Noted["fields"], message: string) => {
    noted.push({ level, fields, message });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export function countingIds(prefix = "id"): Ids {
  let last = 0;
  return {
    next: () => {
      last += 1;
      return `${prefix}-${last}`;
    },
  };
}

export interface WireWorld {
  readonly bus: Bus;
  readonly clock: Clock;
}

export function thingServer(
  world: WireWorld,
  options: Partial<ServerOptions> & { handlers?: ThingHandlers } = {},
): Server {
  const { handlers, ...others } = options;
  return createServer({
    ...world,
    binding: commandBinding(cell),
    services: [implement(thingService, handlers ?? thingHandlers())],
    ids: countingIds("server"),
    log: rememberingLog(),
    ...others,
  });
}

export function thingClient(world: WireWorld, options: Partial<ClientOptions> & { binding?: Binding } = {}) {
  return createClient(thingService, {
    ...world,
    binding: commandBinding(cell),
    ids: countingIds("client"),
    projectOf: ({ audience }) => (audience === "admin" ? adminProject : "demo"),
    ...options,
  });
}
