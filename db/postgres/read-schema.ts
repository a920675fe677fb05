/** The schema of a database at a URL as text: for the command that writes db/schema.sql, and for specs. */
import { MikroORM } from "@mikro-orm/postgresql";
import { ormOptions } from "./connect.ts";
import { schemaText } from "./schema-text.ts";

/** Of a database that a store was opened on before; nothing is changed. */
export async function readSchema(url: string): Promise<string> {
  const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  try {
    return await schemaText((text) => orm.em.getConnection().execute(text));
  } finally {
    await orm.close(true);
  }
}
