/** Networks, subnets, ports, security groups, and who has which address and which group. */
const row = `created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id)`;

export const statements = [
  `create table network (
    id text collate "C" not null,
    project text collate "C" not null,
    number bigint not null,
    name text collate "C" not null,
    mtu_bytes bigint not null,
    shared boolean not null,
    external boolean not null,
    ${row},
    constraint network_number_unique unique (number)
  )`,
  // Numbers come around again: a segment has 24 bits.
  "create sequence network_number maxvalue 16777215 cycle",
  "create index network_name_idx on network (project, name)",
  `create table subnet (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    network_id text collate "C" not null,
    cidr text collate "C" not null,
    gateway text collate "C",
    pools jsonb not null,
    dns_servers jsonb not null,
    host_routes jsonb not null,
    dhcp boolean not null,
    shared boolean not null,
    ${row},
    constraint subnet_network_id_reference foreign key (network_id) references network (id)
  )`,
  "create index subnet_name_idx on subnet (project, name)",
  "create index subnet_network_id_idx on subnet (network_id, id)",
  `create table port (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    network_id text collate "C" not null,
    mac text collate "C" not null,
    port_security boolean not null,
    address_pairs jsonb not null,
    ${row},
    constraint port_network_id_mac_unique unique (network_id, mac),
    constraint port_network_id_reference foreign key (network_id) references network (id)
  )`,
  "create index port_name_idx on port (project, name)",
  `create table address (
    id text collate "C" not null,
    name text collate "C" not null,
    subnet_id text collate "C" not null,
    port_id text collate "C" not null,
    ${row},
    constraint address_subnet_id_name_unique unique (subnet_id, name),
    constraint address_subnet_id_reference foreign key (subnet_id) references subnet (id),
    constraint address_port_id_reference foreign key (port_id) references port (id) on delete cascade
  )`,
  "create index address_name_idx on address (name)",
  "create index address_port_id_idx on address (port_id, id)",
  `create table security_group (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    description text collate "C",
    ${row}
  )`,
  "create index security_group_name_idx on security_group (project, name)",
  `create table security_group_rule (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    group_id text collate "C" not null,
    direction text collate "C" not null,
    ip_version bigint not null,
    protocol bigint,
    port_min bigint,
    port_max bigint,
    remote_cidr text collate "C",
    remote_group_id text collate "C",
    description text collate "C",
    ${row},
    constraint security_group_rule_group_id_name_unique unique (group_id, name),
    constraint security_group_rule_group_id_reference foreign key (group_id) references security_group (id),
    constraint security_group_rule_remote_group_id_reference
      foreign key (remote_group_id) references security_group (id)
  )`,
  "create index security_group_rule_name_idx on security_group_rule (project, name)",
  "create index security_group_rule_remote_group_id_idx on security_group_rule (remote_group_id, id)",
  `create table security_group_port (
    id text collate "C" not null,
    name text collate "C" not null,
    group_id text collate "C" not null,
    port_id text collate "C" not null,
    ${row},
    constraint security_group_port_group_id_port_id_unique unique (group_id, port_id),
    constraint security_group_port_group_id_reference foreign key (group_id) references security_group (id),
    constraint security_group_port_port_id_reference
      foreign key (port_id) references port (id) on delete cascade
  )`,
  "create index security_group_port_name_idx on security_group_port (name)",
  "create index security_group_port_port_id_idx on security_group_port (port_id, id)",
  `create table plug (
    id text collate "C" not null,
    name text collate "C" not null,
    port_id text collate "C" not null,
    device text collate "C" not null,
    device_id text collate "C" not null,
    delete_with_instance boolean not null,
    ${row},
    constraint plug_name_unique unique (name),
    constraint plug_port_id_reference foreign key (port_id) references port (id)
  )`,
  "create index plug_port_id_idx on plug (port_id, id)",
  "create index plug_device_id_idx on plug (device_id, id)",
  `insert into novact_resource (name, noun) values
    ('network', 'network'), ('subnet', 'subnet'), ('port', 'port'), ('address', 'address'),
    ('security_group', 'security-group'), ('security_group_rule', 'security-group-rule'),
    ('security_group_port', 'security-group-port'), ('plug', 'plug')`,
];
