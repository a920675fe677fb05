/**
 * The kinds of columns that all tables are made of, so that the same thing looks the same everywhere.
 *
 * Text has the collation "C": its order is that of its bytes, in PostgreSQL as in JavaScript, so that a
 * page's marker means the same to both. Every integer is a bigint read as a JavaScript number; none may pass
 * 2^53.
 */
import { p } from "@mikro-orm/core";

export const id = () => p.text().collation("C");
export const text = () => p.text().collation("C");
export const count = () => p.bigint("number").autoincrement(false);
/** Wall-clock milliseconds; for people to read. */
export const timeMs = () => p.bigint("number");
export const flag = () => p.boolean();
/** A nested value, kept as jsonb. Numbers in it keep their value, keys lose their order. */
export const nested = <T>() => p.json<T>();

/**
 * Each of these columns is at least 0, for a CHECK. One comparison: a CHECK is read anew for every statement.
 */
export function notNegative(...columns: readonly string[]): string {
  return `least(${columns.join(", ")}) >= 0`;
}
