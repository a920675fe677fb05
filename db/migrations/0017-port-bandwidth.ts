/** The bandwidth limits of ports. Null in the rows that are there: they have none. */
export const statements = ["alter table port add column bandwidth jsonb"];
