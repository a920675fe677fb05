/**
 * Every migration: the files beside this one. Their names are kept in the database: never rename one, and
 * never edit one that was released. Migrations are for tables and for the rows in them; functions are not
 * theirs (db/postgres/functions.ts).
 */
import { readdirSync } from "node:fs";
import { Migration } from "@mikro-orm/migrations";

/** What the file of a migration exports. Its name, four digits and words, is that of the file. */
interface MigrationFile {
  readonly statements: readonly string[];
  /** Controllers that do not know it must not go on: they would misread or spoil what is in the tables. */
  readonly breaking?: true;
}

interface Listed extends MigrationFile {
  readonly name: string;
}

/** In the order of their numbers. */
const files = readdirSync(import.meta.dirname)
  .filter((file) => /^\d{4}-[a-z-]+\.[jt]s$/.test(file))
  .sort();

const listed: readonly Listed[] = await Promise.all(
  files.map(async (file) => {
    const { statements, breaking } = (await import(`./${file}`)) as MigrationFile;
    return { name: file.slice(0, -3), statements, ...(breaking ? { breaking } : {}) };
  }),
);

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
