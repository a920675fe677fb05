/** Key pairs. */
export const statements = [
  `create table key_pair (
    id text collate "C" not null,
    project text collate "C" not null,
    user_name text collate "C" not null,
    number bigint not null,
    name text collate "C" not null,
    type text collate "C" not null,
    public_key text collate "C" not null,
    fingerprint text collate "C" not null,
    fingerprint_sha256 text collate "C" not null,
    created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id),
    constraint key_pair_name_unique unique (project, user_name, name),
    constraint key_pair_number_unique unique (number)
  )`,
  "create sequence key_pair_number",
  "insert into novact_resource (name, noun) values ('key_pair', 'key-pair')",
];
