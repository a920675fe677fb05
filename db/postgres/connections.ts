/**
 * Whether a PostgreSQL lets as many connections in as the controllers of a cluster may open. With fewer, all
 * is well until every controller is at work; then a read, a commit or a renewal of leases gets no connection.
 * A controller says so at its start. Reads only.
 */
import type { MikroORM } from "@mikro-orm/postgresql";
import { unavailable } from "./failure.ts";

export interface ConnectionsNeeded {
  readonly controllers: number;
  /** Of all of them together. */
  readonly connections: number;
}

/** The bound that leaves the fewest connections to our user; a superuser has none but that of the server. */
const bounds = `
  select what, amount from pg_roles r
    cross join pg_database d
    cross join lateral (values
      ('max_connections', current_setting('max_connections')::int - case when r.rolsuper then 0 else
        current_setting('superuser_reserved_connections')::int
        + coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int end),
      ('the connection limit of its user', case when r.rolsuper then -1 else r.rolconnlimit end),
      ('the connection limit of the database', case when r.rolsuper then -1 else d.datconnlimit end)
    ) as bound(what, amount)
    where r.rolname = current_user and d.datname = current_database() and amount >= 0
    order by amount limit 1`;

/** @throws UNAVAILABLE storeUnavailable, with what to change */
export async function checkConnections(
  orm: MikroORM,
  { where }: { readonly where: string },
  { controllers, connections }: ConnectionsNeeded,
): Promise<void> {
  const [bound] = await orm.em.getConnection().execute<{ what: string; amount: number }[]>(bounds);
  if (bound === undefined || bound.amount >= connections) return;
  const { what, amount } = bound;
  const each = connections / controllers;
  const fewer = Math.floor(amount / each);
  const or = fewer === 0 ? "" : `, or set controllers in cluster.yaml to ${fewer}`;
  throw unavailable(
    `PostgreSQL at ${where} leaves ${amount} connections to us, and ${controllers} controllers may need ` +
      `${connections}, ${each} each: raise ${what} by ${connections - amount}${or}.`,
  );
}
