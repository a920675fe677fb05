/** The table of all rows of the resources of plug-ins; what one resource adds to every row is in `body`. */
import { defineEntity } from "@mikro-orm/core";
import { count, id, nested, text, timeMs } from "./columns.ts";

export const ExtensionRowEntity = defineEntity({
  name: "ExtensionRow",
  tableName: "extension_row",
  properties: {
    id: id().primary(),
    plugin: id().primary(),
    noun: id().primary(),
    /** Empty: it is the operators', or not one user's. */
    project: id(),
    user: id().fieldName("user_name"),
    name: text(),
    /** Null: the name is a text for people. */
    uniqueName: text().nullable(),
    number: count().nullable(),
    createdAtMs: timeMs(),
    body: nested<unknown>(),
    version: count().default(1),
  },
  uniques: [
    {
      name: "extension_row_name_unique",
      properties: ["plugin", "noun", "project", "user", "uniqueName"],
    },
    { name: "extension_row_number_unique", properties: ["number"] },
  ],
  indexes: [
    { name: "extension_row_name_idx", properties: ["plugin", "noun", "name"] },
    { name: "extension_row_owner_idx", properties: ["plugin", "noun", "project", "id"] },
  ],
});
