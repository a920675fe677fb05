/**
 * What one durable commit costs on this PostgreSQL, without novact: the yardstick of the benchmark. Used by
 * nothing else.
 */
import { MikroORM } from "@mikro-orm/postgresql";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { ormOptions } from "../postgres/connect.ts";
import { Database } from "../postgres/database.ts";

export interface CommitProbe {
  /** One row of about the size of an instance, in a transaction of its own. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** About what PostgreSQL has to write for one instance. */
const rowBytes = 1_024;

export async function openCommitProbe(url: string, clock: Clock, log: Log): Promise<CommitProbe> {
  const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  const connection = await (await Database.of(orm.em, clock, log)).reserve();
  await connection.run({
    text: "CREATE TABLE IF NOT EXISTS novact_probe (id bigserial PRIMARY KEY, body text)",
  });
  const body = "x".repeat(rowBytes);
  return {
    commit: async () => {
      await connection.run({
        name: "probe",
        text: "INSERT INTO novact_probe (body) VALUES ($1)",
        values: [body],
      });
    },
    close: async () => {
      await connection.run({ text: "DROP TABLE novact_probe" });
      connection.release(false);
      await orm.close(true);
    },
  };
}
