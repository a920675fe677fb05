/**
 * What operators can do with the rows of every resource of a plug-in, whatever version of the plug-in has
 * written them: see them as they are kept, and remove one. Beside the plug-in's own methods of that noun; one
 * of the plug-in's with the same name stands in its place.
 */
import { Type } from "@sinclair/typebox";
import type { Resource } from "./wire/resource.ts";
import { answer, Id, pageRequest, request } from "./wire/schema.ts";
import { method, type Service } from "./wire/service.ts";

const RawRow = answer({
  id: Id,
  /** False: it is not as the plug-in that the controller has loaded says, and lists leave it out. */
  readable: Type.Boolean(),
  /** Why it cannot be read. */
  why: Type.Optional(Type.String()),
  /** All its fields, also those that the plug-in does not know. */
  row: Type.Record(Type.String(), Type.Unknown()),
});

export const rawMethods = {
  raw: method({
    request: request({ ...pageRequest, unreadable: Type.Optional(Type.Boolean()) }),
    /** With `unreadable`, a page may be shorter than asked for, or empty, and go on. */
    answer: answer({ rows: Type.Array(RawRow), nextMarker: Type.Optional(Id) }),
    target: "collection",
    audience: "admin",
    mutates: false,
    summary: "Shows rows as they are kept, or only those that this version of the plug-in cannot read.",
  }),
  discard: method({
    request: request({}),
    answer: answer({ id: Id, name: Type.String() }),
    target: "entity",
    audience: "admin",
    mutates: true,
    summary: "Removes a row by its id, also one that this version of the plug-in cannot read.",
  }),
} as const;

/** The service of a plug-in with these methods, where its noun is that of a resource; else the service. */
export const withRawMethods = (service: Service, resources: readonly Resource[]): Service =>
  resources.some(({ noun }) => noun === service.noun)
    ? { ...service, methods: { ...rawMethods, ...service.methods } }
    : service;
