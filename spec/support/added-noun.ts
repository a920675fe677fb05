/**
 * A program for the copy of the tree in which protocol/adding-a-noun.md was followed: opens a database there,
 * and tries the bookmarks of the guide on it. Prints what does not hold.
 *
 *   node spec/support/added-noun.ts postgresql://…
 */
import { MikroORM } from "@mikro-orm/postgresql";
import type { Commit } from "../../actors/records/commit.ts";
import { openStore, ormOptions } from "../../db/postgres/connect.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { resources } from "../../protocol/resources.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import { silentLog } from "./silent-log.ts";

const url = process.argv[2] ?? "";
const bookmark = Object.values<Resource>(resources).find(({ noun }) => noun === "bookmark");
if (bookmark === undefined) throw new Error("There is no such noun: the guide was not followed.");

const store = await openStore({ url, clock: systemClock, log: silentLog });
const row = { project: "demo", address: "https://example.org/", createdAtMs: 1, version: 1 };
const made = (id: string, name: string): Commit => ({
  rows: [{ resource: bookmark, made: { ...row, id, name } }],
});
const kinds: string[] = [];
for (const commit of [
  made("a", "one"),
  made("b", "one"),
  { rows: [{ resource: bookmark, changed: { ...row, id: "a", name: "two", version: 2 } }] },
  { rows: [{ resource: bookmark, changed: { ...row, id: "a", name: "three", version: 2 } }] },
  { quotas: [{ project: "demo", ...{ bookmarks: 1 } }] },
  made("c", "three"),
  { rows: [{ resource: bookmark, removed: "a" }] },
  { rows: [{ resource: bookmark, removed: "a" }] },
] satisfies Commit[])
  kinds.push((await store.commit(commit)).kind);
const expected = "committed nameTaken committed conflict committed quotaExceeded committed missing";
const left = await store.rows.list(bookmark, { limit: 10 });
await store.close();

const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
const { up } = await orm.schema.getUpdateSchemaMigrationSQL({ wrap: false });
await orm.close(true);
const others = up.split("\n").filter((line) => line.includes("bookmark"));

const faults = [
  ...(kinds.join(" ") === expected ? [] : [`The commits ended as: ${kinds.join(" ")}`]),
  ...(left.length === 0 ? [] : [`${left.length} rows are left`]),
  ...others,
];
console.log(faults.length === 0 ? "as it is described" : faults.join("\n"));
