/** Routers, floating addresses, and which of the operator's networks a network is. */
const row = `created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id)`;

export const statements = [
  'alter table network add column physical_network text collate "C"',
  `create table router (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    external_network_id text collate "C",
    snat boolean not null,
    routes jsonb not null,
    ${row},
    constraint router_external_network_id_reference
      foreign key (external_network_id) references network (id)
  )`,
  "create index router_name_idx on router (project, name)",
  "create index router_external_network_id_idx on router (external_network_id, id)",
  `create table router_interface (
    id text collate "C" not null,
    name text collate "C" not null,
    router_id text collate "C" not null,
    network_id text collate "C" not null,
    subnet_id text collate "C" not null,
    port_id text collate "C" not null,
    deletes_port boolean not null,
    ${row},
    constraint router_interface_name_unique unique (name),
    constraint router_interface_router_id_subnet_id_unique unique (router_id, subnet_id),
    constraint router_interface_router_id_reference foreign key (router_id) references router (id),
    constraint router_interface_network_id_reference foreign key (network_id) references network (id),
    constraint router_interface_subnet_id_reference foreign key (subnet_id) references subnet (id),
    constraint router_interface_port_id_reference foreign key (port_id) references port (id)
  )`,
  "create index router_interface_network_id_idx on router_interface (network_id, id)",
  "create index router_interface_subnet_id_idx on router_interface (subnet_id, id)",
  "create index router_interface_port_id_idx on router_interface (port_id, id)",
  `create table floating_ip (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    network_id text collate "C" not null,
    port_id text collate "C" not null,
    ${row},
    constraint floating_ip_network_id_reference foreign key (network_id) references network (id),
    constraint floating_ip_port_id_reference foreign key (port_id) references port (id)
  )`,
  "create index floating_ip_name_idx on floating_ip (project, name)",
  "create index floating_ip_network_id_idx on floating_ip (network_id, id)",
  "create index floating_ip_port_id_idx on floating_ip (port_id, id)",
  `create table floating_ip_target (
    id text collate "C" not null,
    name text collate "C" not null,
    floating_id text collate "C" not null,
    port_id text collate "C" not null,
    address text collate "C" not null,
    interface_id text collate "C" not null,
    ${row},
    constraint floating_ip_target_name_unique unique (name),
    constraint floating_ip_target_port_id_address_unique unique (port_id, address),
    constraint floating_ip_target_floating_id_reference foreign key (floating_id) references floating_ip (id),
    constraint floating_ip_target_port_id_reference
      foreign key (port_id) references port (id) on delete cascade,
    constraint floating_ip_target_interface_id_reference
      foreign key (interface_id) references router_interface (id)
  )`,
  "create index floating_ip_target_floating_id_idx on floating_ip_target (floating_id, id)",
  "create index floating_ip_target_interface_id_idx on floating_ip_target (interface_id, id)",
  `insert into novact_resource (name, noun) values
    ('router', 'router'), ('router_interface', 'router-interface'), ('floating_ip', 'floating-ip'),
    ('floating_ip_target', 'floating-ip-target')`,
];
