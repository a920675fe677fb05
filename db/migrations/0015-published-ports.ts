/** Ports of hosts at which guests answer. */
export const statements = [
  `create table published_port (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    host_port bigint not null,
    protocol text collate "C" not null,
    address text collate "C" not null,
    port_id text collate "C" not null,
    port bigint not null,
    created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id),
    constraint published_port_host_port_protocol_unique unique (host_port, protocol),
    constraint published_port_port_id_port_protocol_unique unique (port_id, port, protocol),
    constraint published_port_port_id_reference foreign key (port_id) references plug (id) on delete cascade
  )`,
  "create index published_port_name_idx on published_port (project, name)",
  "insert into novact_resource (name, noun) values ('published_port', 'published-port')",
];
