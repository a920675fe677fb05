/** Every migration, in the order they are applied. Names are kept in the database: never rename one. */
import { Migration0001Tables } from "./0001-tables.ts";
import { Migration0002Commit } from "./0002-commit.ts";
import { Migration0003DiskMissing } from "./0003-disk-missing.ts";

export const migrations = [
  { name: "0001-tables", class: Migration0001Tables },
  { name: "0002-commit", class: Migration0002Commit },
  { name: "0003-disk-missing", class: Migration0003DiskMissing },
];
