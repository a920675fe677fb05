/**
 * Every migration, in the order of their numbers. Names are kept in the database: never rename one, and never
 * edit one that was released. Migrations are for tables and for the rows in them; functions are not theirs
 * (db/postgres/functions.ts).
 */
import { Migration } from "@mikro-orm/migrations";
import { release } from "./0001-release.ts";
import { references } from "./0002-references.ts";
import { words } from "./0003-words.ts";
import { locks } from "./0004-locks.ts";

interface Listed {
  /** Four digits and words: their order is that of the text. */
  readonly name: string;
  readonly statements: readonly string[];
  /** Controllers that do not know it must not go on: they would misread or spoil what is in the tables. */
  readonly breaking?: true;
}

const listed: readonly Listed[] = [
  { name: "0001-release", statements: release },
  { name: "0002-references", statements: references },
  { name: "0003-words", statements: words, breaking: true },
  { name: "0004-locks", statements: locks, breaking: true },
];

/** The newest migration that this version knows; every connection tells PostgreSQL its name. */
export const newestMigration = listed.at(-1)?.name ?? "";

/** Names of the migrations that older controllers end for. */
export const breakingMigrations = listed.filter(({ breaking }) => breaking).map(({ name }) => name);

/** As MikroORM wants them. */
export const migrations = listed.map(({ name, statements }) => ({
  name,
  class: class extends Migration {
    override up(): void {
      for (const statement of statements) this.addSql(statement);
    }
  },
}));
