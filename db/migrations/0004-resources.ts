/**
 * Rows of resources: the list of their tables, versions of their rows, and numbers for those that have one.
 * Names of images and server groups are texts for people, and two may have the same. A quota limits how many
 * there may be of any resource. Key pairs, the first resource that was made as one.
 */

const versions = ["flavor", "image", "aggregate", "server_group"].map(
  (table) => `alter table ${table} add column version bigint not null default '1'`,
);

const names = [
  "alter table image drop constraint image_name_unique",
  "create index image_name_idx on image (name)",
  "alter table server_group drop constraint server_group_name_unique",
  "create index server_group_name_idx on server_group (project, name)",
];

const numbers = [
  "create sequence aggregate_number",
  "alter table aggregate add column number bigint",
  `update aggregate a set number = n.number
    from (select id, nextval('aggregate_number') as number from (select id from aggregate order by id) o) n
    where n.id = a.id`,
  "alter table aggregate alter column number set not null",
  "alter table aggregate add constraint aggregate_number_unique unique (number)",
];

/** Older controllers write these rows in another way, which is not understood any more. */
export const breaking = true;

export const statements = [
  `create table novact_resource (
    name text collate "C" not null,
    noun text collate "C" not null,
    primary key (name)
  )`,
  `insert into novact_resource (name, noun) values
    ('flavor', 'flavor'), ('image', 'image'), ('aggregate', 'aggregate'), ('server_group', 'server-group')`,
  ...versions,
  ...names,
  ...numbers,
  "alter table quota add column limits jsonb not null default '{}'",
];
