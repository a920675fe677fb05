/** The resources of a plug-in for specs: one of each owner, with and without unique names. */
import { type Static, Type } from "@sinclair/typebox";
import { resource } from "../../protocol/wire/resource.ts";
import { Id, Label, Name, nullable, TimeMs } from "../../protocol/wire/schema.ts";

const plugin = "acme";

/** A project's own; no two have the same name, and a project may have three. */
export const flag = resource({
  plugin,
  noun: "signal-flag",
  one: "signalFlag",
  many: "signalFlags",
  owner: "project",
  makes: "project",
  sees: "project",
  name: Label,
  nameUnique: true,
  fields: {
    color: Type.Union([Type.Literal("red"), Type.Literal("blue")]),
    raised: Type.Boolean(),
    remark: nullable(Type.String({ maxLength: 1_000 })),
  },
  limit: { most: 3, of: "project" },
});
export type Flag = Static<typeof flag.shape>;

/** A user's own; names are texts for people, and each has a number. */
export const note = resource({
  plugin,
  noun: "note",
  one: "note",
  many: "notes",
  owner: "user",
  makes: "project",
  sees: "project",
  name: Name,
  nameUnique: false,
  fields: { words: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 }) },
  numbered: true,
  limit: { most: 2, of: "user" },
});

/** The operators' own. */
export const window = resource({
  plugin,
  noun: "maintenance-window",
  one: "maintenanceWindow",
  many: "maintenanceWindows",
  owner: "cell",
  makes: "admin",
  sees: "admin",
  name: Label,
  nameUnique: true,
  fields: { hostId: Id, fromMs: TimeMs, toMs: TimeMs },
});

export const toyResources = [flag, note, window] as const;
