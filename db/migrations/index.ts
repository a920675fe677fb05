/** Every migration, in the order they are applied. Names are kept in the database: never rename one. */
import { Migration0001Tables } from "./0001-tables.ts";
import { Migration0002Commit } from "./0002-commit.ts";
import { Migration0003Placement } from "./0003-placement.ts";
import { Migration0004Lease } from "./0004-lease.ts";
import { Migration0005Drain } from "./0005-drain.ts";
import { Migration0006Numa } from "./0006-numa.ts";
import { Migration0007AggregateChange } from "./0007-aggregate-change.ts";
import { Migration0008StorageLease } from "./0008-storage-lease.ts";
import { Migration0009Removals } from "./0009-removals.ts";
import { Migration0010Placement } from "./0010-placement.ts";

export const migrations = [
  { name: "0001-tables", class: Migration0001Tables },
  { name: "0002-commit", class: Migration0002Commit },
  { name: "0003-placement", class: Migration0003Placement },
  { name: "0004-lease", class: Migration0004Lease },
  { name: "0005-drain", class: Migration0005Drain },
  { name: "0006-numa", class: Migration0006Numa },
  { name: "0007-aggregate-change", class: Migration0007AggregateChange },
  { name: "0008-storage-lease", class: Migration0008StorageLease },
  { name: "0009-removals", class: Migration0009Removals },
  { name: "0010-placement", class: Migration0010Placement },
];
