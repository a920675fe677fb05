/**
 * A whole number beside the ids of hosts and operations, for clients of APIs that want one; those that are
 * there are numbered in the order of their ids. Not breaking: functions give the numbers, whoever commits.
 */
const numbered = (table: string): readonly string[] => [
  `create sequence ${table}_number`,
  `alter table ${table} add column number bigint`,
  `update ${table} t set number = n.number
    from (select id, nextval('${table}_number') as number from (select id from ${table} order by id) o) n
    where n.id = t.id`,
  `alter table ${table} alter column number set not null`,
  `alter table ${table} add constraint ${table}_number_unique unique (number)`,
];

export const statements = [...numbered("host"), ...numbered("operation")];
