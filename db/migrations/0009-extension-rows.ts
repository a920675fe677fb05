/**
 * The rows of all resources of plug-ins, in one table: a plug-in brings neither tables nor SQL. What its
 * resource adds to every row is in `body`. Absent owners are empty texts, so that a unique name is unique
 * among the operators' own rows as well; `unique_name` is null where names are texts for people.
 */
export const statements = [
  `create table extension_row (
    id text collate "C" not null,
    plugin text collate "C" not null,
    noun text collate "C" not null,
    project text collate "C" not null,
    user_name text collate "C" not null,
    name text collate "C" not null,
    unique_name text collate "C",
    number bigint,
    created_at_ms bigint not null,
    body jsonb not null,
    version bigint not null default '1',
    primary key (id, plugin, noun),
    constraint extension_row_name_unique unique (plugin, noun, project, user_name, unique_name),
    constraint extension_row_number_unique unique (number)
  )`,
  "create index extension_row_name_idx on extension_row (plugin, noun, name)",
  "create index extension_row_owner_idx on extension_row (plugin, noun, project, id)",
  "create sequence extension_row_number",
];
