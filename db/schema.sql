-- The sum of db/migrations and of the functions, as PostgreSQL knows it: for reading and for reviews.
-- Made by "npm run schema" and compared by a live spec; functions stand here without comments and line breaks
-- of their own. Nothing reads it at run time.

create table address (
  id text collate "C" not null,
  name text collate "C" not null,
  subnet_id text collate "C" not null,
  port_id text collate "C" not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint address_pkey primary key (id),
  constraint address_port_id_reference foreign key (port_id) references port(id) on delete cascade,
  constraint address_subnet_id_reference foreign key (subnet_id) references subnet(id),
  constraint address_subnet_id_name_unique unique (subnet_id, name)
);
create index address_name_idx on address using btree (name);
create index address_port_id_idx on address using btree (port_id, id);

create table aggregate (
  id text collate "C" not null,
  name text collate "C" not null,
  availability_zone text collate "C",
  metadata jsonb not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  number bigint not null,
  constraint aggregate_pkey primary key (id),
  constraint aggregate_name_unique unique (name),
  constraint aggregate_number_unique unique (number)
);
create trigger aggregate_change after insert or delete or update on aggregate for each statement execute
    function novact_aggregates_changed();

create table aggregate_change (
  single boolean not null,
  number bigint not null,
  constraint aggregate_change_pkey primary key (single),
  constraint aggregate_change_single_check check (single)
);

create table aggregate_host (
  aggregate_id text collate "C" not null,
  host_id text collate "C" not null,
  constraint aggregate_host_pkey primary key (aggregate_id, host_id),
  constraint aggregate_host_aggregate_reference foreign key (aggregate_id) references aggregate(id),
  constraint aggregate_host_host_reference foreign key (host_id) references host(id)
);
create index aggregate_host_idx on aggregate_host using btree (host_id, aggregate_id);
create trigger aggregate_host_change after insert or delete or update on aggregate_host for each statement
    execute function novact_aggregates_changed();

create table claim (
  instance_id text collate "C" not null,
  owner_epoch bigint not null,
  host_id text collate "C" not null,
  vcpus bigint not null,
  memory_mib bigint not null,
  disk_gib bigint not null,
  lease_epoch bigint not null,
  numa jsonb,
  constraint claim_pkey primary key (instance_id, owner_epoch),
  constraint claim_epoch_check check ((owner_epoch >= 1)),
  constraint claim_size_check check ((least(vcpus, memory_mib, disk_gib) >= 0)),
  constraint claim_host_reference foreign key (host_id) references host(id)
);
create index claim_host_idx on claim using btree (host_id, instance_id);
create trigger claim_gives_numa_nodes after delete on claim for each row when ((old.numa is not null)) execute
    function novact_numa();
create trigger claim_takes_numa_nodes after insert on claim for each row when ((new.numa is not null)) execute
    function novact_numa();

create table commit_writer (
  id text collate "C" not null,
  batch bigint not null,
  results jsonb,
  at_ms bigint not null,
  constraint commit_writer_pkey primary key (id)
);

create table deleted_volume (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  size_gib bigint not null,
  storage_id text collate "C",
  host_id text collate "C",
  epoch bigint not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint deleted_volume_pkey primary key (id)
);
create index deleted_volume_host_id_idx on deleted_volume using btree (host_id, id);
create index deleted_volume_name_idx on deleted_volume using btree (project, name);
create index deleted_volume_storage_id_idx on deleted_volume using btree (storage_id, id);
create trigger deleted_volume_gives_room after delete on deleted_volume for each row execute function
    novact_volume();
create trigger deleted_volume_takes_room after insert on deleted_volume for each row execute function
    novact_volume();

create table event (
  sequence bigint not null,
  at_ms bigint not null,
  project text collate "C" not null,
  noun text collate "C" not null,
  id text collate "C" not null,
  event text collate "C" not null,
  request_id text collate "C",
  operation_id text collate "C",
  body jsonb not null,
  constraint event_pkey primary key (sequence)
);
create index event_id_idx on event using btree (id, sequence);
create index event_project_idx on event using btree (project, sequence);
create trigger event_unchanged before update on event for each row execute function novact_progress();

create table event_head (
  single boolean not null,
  last_sequence bigint not null,
  trimmed bigint not null,
  constraint event_head_pkey primary key (single),
  constraint event_head_order_check check (((trimmed >= 0) and (trimmed <= last_sequence))),
  constraint event_head_single_check check (single)
);
create trigger event_head_progress before update on event_head for each row when (((new.last_sequence <
    old.last_sequence) or (new.trimmed < old.trimmed))) execute function novact_progress();

create table extension_row (
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
  version bigint not null default '1'::bigint,
  constraint extension_row_pkey primary key (id, plugin, noun),
  constraint extension_row_name_unique unique (plugin, noun, project, user_name, unique_name),
  constraint extension_row_number_unique unique (number)
);
create index extension_row_name_idx on extension_row using btree (plugin, noun, name);
create index extension_row_owner_idx on extension_row using btree (plugin, noun, project, id);

create table flavor (
  id text collate "C" not null,
  name text collate "C" not null,
  vcpus bigint not null,
  memory_mib bigint not null,
  disk_gib bigint not null,
  created_at_ms bigint not null,
  extra_specs jsonb not null,
  version bigint not null default '1'::bigint,
  ephemeral_gib bigint not null default '0'::bigint,
  swap_mib bigint not null default '0'::bigint,
  constraint flavor_pkey primary key (id),
  constraint flavor_size_check check ((least(vcpus, memory_mib, disk_gib, ephemeral_gib, swap_mib) >= 0)),
  constraint flavor_name_unique unique (name)
);

create table floating_ip (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  network_id text collate "C" not null,
  port_id text collate "C" not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint floating_ip_pkey primary key (id),
  constraint floating_ip_network_id_reference foreign key (network_id) references network(id),
  constraint floating_ip_port_id_reference foreign key (port_id) references port(id)
);
create index floating_ip_name_idx on floating_ip using btree (project, name);
create index floating_ip_network_id_idx on floating_ip using btree (network_id, id);
create index floating_ip_port_id_idx on floating_ip using btree (port_id, id);

create table floating_ip_target (
  id text collate "C" not null,
  name text collate "C" not null,
  floating_id text collate "C" not null,
  port_id text collate "C" not null,
  address text collate "C" not null,
  interface_id text collate "C" not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint floating_ip_target_pkey primary key (id),
  constraint floating_ip_target_floating_id_reference foreign key (floating_id) references floating_ip(id),
  constraint floating_ip_target_interface_id_reference foreign key (interface_id) references
      router_interface(id),
  constraint floating_ip_target_port_id_reference foreign key (port_id) references port(id) on delete cascade,
  constraint floating_ip_target_name_unique unique (name),
  constraint floating_ip_target_port_id_address_unique unique (port_id, address)
);
create index floating_ip_target_floating_id_idx on floating_ip_target using btree (floating_id, id);
create index floating_ip_target_interface_id_idx on floating_ip_target using btree (interface_id, id);

create table host (
  id text collate "C" not null,
  name text collate "C" not null,
  boot_id text collate "C" not null,
  architecture text collate "C" not null,
  hypervisor text collate "C" not null,
  accelerator text collate "C" not null,
  accelerator_reason text collate "C" not null,
  hypervisor_version text collate "C" not null,
  vcpus bigint not null,
  memory_mib bigint not null,
  disk_gib bigint not null,
  vcpus_claimed bigint not null,
  memory_mib_claimed bigint not null,
  disk_gib_claimed bigint not null,
  instances bigint not null,
  enabled boolean not null,
  disabled_reason text collate "C",
  registered_at_ms bigint not null,
  labels jsonb not null,
  features jsonb not null,
  machine_types jsonb not null,
  numa jsonb not null,
  failed_builds bigint not null,
  generation bigint not null,
  storage_id text collate "C",
  draining jsonb,
  real_cpus bigint not null,
  pinned_cpus bigint not null,
  failed_builds_of jsonb,
  version bigint not null default '0'::bigint,
  number bigint not null,
  drivers jsonb,
  constraint host_pkey primary key (id),
  constraint host_capacity_check check (((vcpus_claimed <= vcpus) and (memory_mib_claimed <= memory_mib) and
      (disk_gib_claimed <= disk_gib))),
  constraint host_claimed_check check ((least(vcpus_claimed, memory_mib_claimed, disk_gib_claimed, instances)
      >= 0)),
  constraint host_count_check check ((least(failed_builds, generation) >= 0)),
  constraint host_pinned_check check (((pinned_cpus >= 0) and (pinned_cpus <= real_cpus) and (((vcpus_claimed
      - pinned_cpus) * real_cpus) <= ((real_cpus - pinned_cpus) * vcpus)))),
  constraint host_number_unique unique (number)
) with (fillfactor = 50);
create index host_draining_idx on host using btree (id) where (draining is not null);
create index host_name_idx on host using btree (name, id);
create index host_storage_idx on host using btree (storage_id, disk_gib) where (storage_id is not null);
create trigger host_changes_storage after update on host for each row when (((old.storage_id is distinct from
    new.storage_id) or ((new.storage_id is not null) and (old.disk_gib <> new.disk_gib)) or (old.drivers is
    distinct from new.drivers))) execute function novact_storage_offered();
create trigger host_leaves_storage after delete on host for each row when (((old.storage_id is not null) or
    ((old.drivers -> 'volumeStorages') is not null))) execute function novact_storage_offered();
create trigger host_offers_storage after insert on host for each row when (((new.storage_id is not null) or
    ((new.drivers -> 'volumeStorages') is not null))) execute function novact_storage_offered();

create table host_lease (
  host_id text collate "C" not null,
  lease_epoch bigint not null,
  renewals bigint not null,
  fenced_by jsonb,
  storage_id text collate "C",
  storage_at bigint not null default '0'::bigint,
  storage_renewals bigint not null default '0'::bigint,
  constraint host_lease_pkey primary key (host_id),
  constraint host_lease_count_check check ((least(lease_epoch, renewals) >= 1))
) with (fillfactor = 50);

create table host_numa_node (
  host_id text collate "C" not null,
  node bigint not null,
  resource text collate "C" not null,
  total bigint not null,
  claimed bigint not null,
  constraint host_numa_node_pkey primary key (host_id, node, resource),
  constraint host_numa_node_claimed_check check (((claimed >= 0) and (claimed <= total))),
  constraint host_numa_node_host_reference foreign key (host_id) references host(id)
) with (fillfactor = 50);
create index host_numa_node_claimed_idx on host_numa_node using btree (host_id) where (claimed > 0);

create table host_seen (
  host_id text collate "C" not null,
  last_seen_at_ms bigint not null,
  constraint host_seen_pkey primary key (host_id),
  constraint host_seen_host_reference foreign key (host_id) references host(id)
) with (fillfactor = 50);

create table image (
  id text collate "C" not null,
  name text collate "C" not null,
  disk jsonb,
  kernel jsonb,
  ramdisk jsonb,
  command_line text collate "C" not null,
  properties jsonb not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  project text collate "C" not null,
  visibility text collate "C" not null,
  state text collate "C" not null,
  protected boolean not null,
  checksums jsonb,
  size_bytes bigint,
  holder text collate "C",
  refusal jsonb,
  constraint image_pkey primary key (id),
  constraint image_bytes_check check (((disk is not null) or (kernel is not null) or (state = any
      (array['queued', 'saving', 'importing'])))),
  constraint image_state_check check ((state = any (array['queued', 'saving', 'importing', 'active',
      'deactivated']))),
  constraint image_visibility_check check ((visibility = any (array['public', 'community', 'shared',
      'private'])))
);
create index image_called_idx on image using btree (name, id);
create index image_name_idx on image using btree (project, name);
create trigger image_changes_room after update on image for each row when ((new.size_bytes >
    coalesce(old.size_bytes, (0)::bigint))) execute function novact_image_room();
create trigger image_protected before delete on image for each row when (old.protected) execute function
    novact_image_protected();
create trigger image_takes_room after insert on image for each row when ((new.size_bytes > 0)) execute
    function novact_image_room();

create table image_member (
  id text collate "C" not null,
  name text collate "C" not null,
  image_id text collate "C" not null,
  status text collate "C" not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint image_member_pkey primary key (id),
  constraint image_member_status_check check ((status = any (array['pending', 'accepted', 'rejected']))),
  constraint image_member_image_id_reference foreign key (image_id) references image(id) on delete cascade,
  constraint image_member_image_id_name_unique unique (image_id, name)
);
create index image_member_name_idx on image_member using btree (name);
create index image_member_project_idx on image_member using btree (name, status, image_id);

create table instance (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  version bigint not null,
  generation bigint not null,
  desired text collate "C" not null,
  stop jsonb not null,
  reset_count bigint not null,
  reset_mode text collate "C" not null,
  start_count bigint not null,
  built boolean not null,
  state text collate "C" not null,
  settled boolean not null,
  flavor jsonb not null,
  image jsonb not null,
  metadata jsonb not null,
  mac_address text collate "C" not null,
  host_id text collate "C",
  owner_epoch bigint not null,
  attempt bigint not null,
  excluded_hosts jsonb not null,
  operation_id text collate "C",
  failure jsonb,
  created_at_ms bigint not null,
  updated_at_ms bigint not null,
  deleted_at_ms bigint,
  server_group_id text collate "C",
  availability_zone text collate "C",
  hints jsonb,
  recovery jsonb not null,
  storage_id text collate "C",
  movable boolean not null,
  live_image_id text collate "C" generated always as (case when (deleted_at_ms is null) then (image ->> 'id')
      else null end) stored,
  live_server_group_id text collate "C" generated always as (case when (deleted_at_ms is null) then
      server_group_id else null end) stored,
  description text collate "C",
  lock jsonb,
  shape jsonb,
  guest jsonb,
  guest_data jsonb,
  interfaces jsonb,
  volumes jsonb,
  constraint instance_pkey primary key (id),
  constraint instance_count_check check ((least(generation, reset_count, start_count, owner_epoch, attempt) >=
      0)),
  constraint instance_deleted_check check (((state = 'deleted') = (deleted_at_ms is not null))),
  constraint instance_owner_check check (((host_id is null) or (owner_epoch >= 1))),
  constraint instance_version_check check ((version >= 1)),
  constraint instance_image_reference foreign key (live_image_id) references image(id),
  constraint instance_server_group_reference foreign key (live_server_group_id) references server_group(id)
) with (fillfactor = 80);
create index instance_deleted_idx on instance using btree (deleted_at_ms) where (deleted_at_ms is not null);
create index instance_group_host_idx on instance using btree (live_server_group_id, host_id, id) where
    (live_server_group_id is not null);
create index instance_group_idx on instance using btree (live_server_group_id, id) where (live_server_group_id
    is not null);
create index instance_host_idx on instance using btree (host_id, id) where (host_id is not null);
create index instance_image_idx on instance using btree (live_image_id) where (live_image_id is not null);
create index instance_live_idx on instance using btree (project, id) where (deleted_at_ms is null);
create index instance_movable_idx on instance using btree (host_id, id) where movable;
create index instance_name_idx on instance using btree (project, name, id) where (deleted_at_ms is null);
create index instance_state_idx on instance using btree (project, state, id) where (deleted_at_ms is null);
create index instance_tombstone_idx on instance using btree (project, id) where (deleted_at_ms is not null);
create index instance_unsettled_idx on instance using btree (id) where ((not settled) or (operation_id is not
    null));
create trigger instance_changes_storage after update on instance for each row when ((old.storage_id is
    distinct from new.storage_id)) execute function novact_storage();
create trigger instance_gives_storage after delete on instance for each row when ((old.storage_id is not
    null)) execute function novact_storage();
create trigger instance_progress before update on instance for each row when (((new.version <> (old.version +
    1)) or (new.generation < old.generation) or (new.owner_epoch < old.owner_epoch) or (old.built and
    (new.shape is distinct from old.shape)))) execute function novact_progress();
create trigger instance_takes_storage after insert on instance for each row when ((new.storage_id is not
    null)) execute function novact_storage();

create table key_pair (
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
  version bigint not null default '1'::bigint,
  constraint key_pair_pkey primary key (id),
  constraint key_pair_name_unique unique (project, user_name, name),
  constraint key_pair_number_unique unique (number)
);

create table machine (
  instance_id text collate "C" not null,
  owner_epoch bigint not null,
  host_id text collate "C" not null,
  generation bigint not null,
  intent_generation bigint not null,
  reset_count bigint not null,
  state text collate "C" not null,
  reason text collate "C" not null,
  message text collate "C" not null,
  address text collate "C",
  started_at_ms bigint,
  at_ms bigint not null,
  constraint machine_pkey primary key (instance_id, owner_epoch),
  constraint machine_count_check check ((least(owner_epoch, generation, intent_generation, reset_count) >= 0))
) with (fillfactor = 80);
create index machine_host_idx on machine using btree (host_id, instance_id);
create trigger machine_progress before update on machine for each row when ((new.generation <=
    old.generation)) execute function novact_progress();

create table network (
  id text collate "C" not null,
  project text collate "C" not null,
  number bigint not null,
  name text collate "C" not null,
  mtu_bytes bigint not null,
  shared boolean not null,
  external boolean not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  physical_network text collate "C",
  constraint network_pkey primary key (id),
  constraint network_number_unique unique (number)
);
create index network_name_idx on network using btree (project, name);
create trigger network_shares after update on network for each row when (((new.shared <> old.shared) or
    (new.external <> old.external))) execute function novact_subnets_shared();

create table novact_resource (
  name text collate "C" not null,
  noun text collate "C" not null,
  constraint novact_resource_pkey primary key (name)
);

create table operation (
  id text collate "C" not null,
  project text collate "C" not null,
  instance_id text collate "C" not null,
  kind text collate "C" not null,
  state text collate "C" not null,
  percent bigint not null,
  step text collate "C" not null,
  steps jsonb not null,
  request_id text collate "C" not null,
  started_at_ms bigint not null,
  deadline_at_ms bigint not null,
  ended_at_ms bigint,
  error jsonb,
  noun text collate "C" not null default 'instance',
  to_host jsonb,
  number bigint not null,
  constraint operation_pkey primary key (id),
  constraint operation_ended_check check (((state = 'running') = (ended_at_ms is null))),
  constraint operation_percent_check check (((percent >= 0) and (percent <= 100))),
  constraint operation_number_unique unique (number)
) with (fillfactor = 80);
create index operation_ended_idx on operation using btree (ended_at_ms) where (ended_at_ms is not null);
create index operation_host_idx on operation using btree (instance_id) where ((state = 'running') and (noun =
    'host'));
create index operation_instance_idx on operation using btree (instance_id, id);
create index operation_project_idx on operation using btree (project, id);
create index operation_running_idx on operation using btree (id) where (state = 'running');
create trigger operation_progress before update on operation for each row when (((old.state <> 'running') and
    (new.state <> old.state))) execute function novact_progress();

create table plug (
  id text collate "C" not null,
  name text collate "C" not null,
  port_id text collate "C" not null,
  device text collate "C" not null,
  device_id text collate "C" not null,
  delete_with_instance boolean not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint plug_pkey primary key (id),
  constraint plug_port_id_reference foreign key (port_id) references port(id),
  constraint plug_name_unique unique (name)
);
create index plug_device_id_idx on plug using btree (device_id, id);
create index plug_port_id_idx on plug using btree (port_id, id);

create table port (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  network_id text collate "C" not null,
  mac text collate "C" not null,
  port_security boolean not null,
  address_pairs jsonb not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  bandwidth jsonb,
  constraint port_pkey primary key (id),
  constraint port_network_id_reference foreign key (network_id) references network(id),
  constraint port_network_id_mac_unique unique (network_id, mac)
);
create index port_name_idx on port using btree (project, name);

create table published_port (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  host_port bigint not null,
  protocol text collate "C" not null,
  address text collate "C" not null,
  port_id text collate "C" not null,
  port bigint not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint published_port_pkey primary key (id),
  constraint published_port_port_id_reference foreign key (port_id) references plug(id) on delete cascade,
  constraint published_port_host_port_protocol_unique unique (host_port, protocol),
  constraint published_port_port_id_port_protocol_unique unique (port_id, port, protocol)
);
create index published_port_name_idx on published_port using btree (project, name);

create table quota (
  project text collate "C" not null,
  instances bigint,
  vcpus bigint,
  memory_mib bigint,
  instances_used bigint not null,
  vcpus_used bigint not null,
  memory_mib_used bigint not null,
  limits jsonb not null default '{}'::jsonb,
  constraint quota_pkey primary key (project),
  constraint quota_limit_check check ((least(instances, vcpus, memory_mib) >= '-1'::integer)),
  constraint quota_used_check check ((least(instances_used, vcpus_used, memory_mib_used) >= 0))
) with (fillfactor = 50);

create table request (
  project text collate "C" not null,
  request_id text collate "C" not null,
  content_hash text collate "C" not null,
  answer json not null,
  at_ms bigint not null,
  constraint request_pkey primary key (project, request_id)
);
create index request_at_idx on request using brin (at_ms);

create table router (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  external_network_id text collate "C",
  snat boolean not null,
  routes jsonb not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint router_pkey primary key (id),
  constraint router_external_network_id_reference foreign key (external_network_id) references network(id)
);
create index router_external_network_id_idx on router using btree (external_network_id, id);
create index router_name_idx on router using btree (project, name);

create table router_interface (
  id text collate "C" not null,
  name text collate "C" not null,
  router_id text collate "C" not null,
  network_id text collate "C" not null,
  subnet_id text collate "C" not null,
  port_id text collate "C" not null,
  deletes_port boolean not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint router_interface_pkey primary key (id),
  constraint router_interface_network_id_reference foreign key (network_id) references network(id),
  constraint router_interface_port_id_reference foreign key (port_id) references port(id),
  constraint router_interface_router_id_reference foreign key (router_id) references router(id),
  constraint router_interface_subnet_id_reference foreign key (subnet_id) references subnet(id),
  constraint router_interface_name_unique unique (name),
  constraint router_interface_router_id_subnet_id_unique unique (router_id, subnet_id)
);
create index router_interface_network_id_idx on router_interface using btree (network_id, id);
create index router_interface_port_id_idx on router_interface using btree (port_id, id);
create index router_interface_subnet_id_idx on router_interface using btree (subnet_id, id);

create table security_group (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  description text collate "C",
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint security_group_pkey primary key (id)
);
create index security_group_name_idx on security_group using btree (project, name);

create table security_group_port (
  id text collate "C" not null,
  name text collate "C" not null,
  group_id text collate "C" not null,
  port_id text collate "C" not null,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint security_group_port_pkey primary key (id),
  constraint security_group_port_group_id_reference foreign key (group_id) references security_group(id),
  constraint security_group_port_port_id_reference foreign key (port_id) references port(id) on delete cascade,
  constraint security_group_port_group_id_port_id_unique unique (group_id, port_id)
);
create index security_group_port_name_idx on security_group_port using btree (name);
create index security_group_port_port_id_idx on security_group_port using btree (port_id, id);

create table security_group_rule (
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
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint security_group_rule_pkey primary key (id),
  constraint security_group_rule_group_id_reference foreign key (group_id) references security_group(id),
  constraint security_group_rule_remote_group_id_reference foreign key (remote_group_id) references
      security_group(id),
  constraint security_group_rule_group_id_name_unique unique (group_id, name)
);
create index security_group_rule_name_idx on security_group_rule using btree (project, name);
create index security_group_rule_remote_group_id_idx on security_group_rule using btree (remote_group_id, id);

create table server_group (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  policy text collate "C" not null,
  max_per_host bigint,
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint server_group_pkey primary key (id),
  constraint server_group_max_check check ((max_per_host >= 1))
);
create index server_group_name_idx on server_group using btree (project, name);
create index server_group_project_idx on server_group using btree (project, id);

create table storage (
  id text collate "C" not null,
  disk_gib bigint not null,
  disk_gib_claimed bigint not null,
  constraint storage_pkey primary key (id),
  constraint storage_claimed_check check ((disk_gib_claimed >= 0))
) with (fillfactor = 50);

create table subnet (
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
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint subnet_pkey primary key (id),
  constraint subnet_network_id_reference foreign key (network_id) references network(id)
);
create index subnet_name_idx on subnet using btree (project, name);
create index subnet_network_id_idx on subnet using btree (network_id, id);
create trigger subnet_apart before insert or update on subnet for each row execute function novact_subnet();

create table volume (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  description text collate "C",
  size_gib bigint not null,
  source jsonb,
  image_id text collate "C",
  made boolean not null,
  storage_id text collate "C",
  host_id text collate "C",
  epoch bigint not null,
  instance_id text collate "C",
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint volume_pkey primary key (id),
  constraint volume_place_check check (((storage_id is null) or (host_id is null))),
  constraint volume_size_check check (((size_gib >= 1) and (epoch >= 0))),
  constraint volume_image_id_reference foreign key (image_id) references image(id)
);
create index volume_host_id_idx on volume using btree (host_id, id);
create index volume_image_id_idx on volume using btree (image_id, id);
create index volume_instance_id_idx on volume using btree (instance_id, id);
create index volume_name_idx on volume using btree (project, name);
create index volume_storage_id_idx on volume using btree (storage_id, id);
create trigger volume_changes_room after update on volume for each row when (((old.storage_id is distinct from
    new.storage_id) or (old.host_id is distinct from new.host_id) or ((old.size_gib <> new.size_gib) and
    ((new.storage_id is not null) or (new.host_id is not null))))) execute function novact_volume();
create trigger volume_gives_room after delete on volume for each row when (((old.storage_id is not null) or
    (old.host_id is not null))) execute function novact_volume();
create trigger volume_takes_room after insert on volume for each row when (((new.storage_id is not null) or
    (new.host_id is not null))) execute function novact_volume();

create table volume_copy (
  id text collate "C" not null,
  project text collate "C" not null,
  name text collate "C" not null,
  source_id text collate "C" not null,
  source_epoch bigint not null,
  epoch bigint not null,
  size_gib bigint not null,
  storage_id text collate "C",
  host_id text collate "C",
  created_at_ms bigint not null,
  version bigint not null default '1'::bigint,
  constraint volume_copy_pkey primary key (id)
);
create index volume_copy_name_idx on volume_copy using btree (project, name);

create sequence aggregate_number;

create sequence extension_row_number;

create sequence host_number;

create sequence key_pair_number;

create sequence network_number maxvalue 16777215 cycle;

create sequence novact_migration_id_seq maxvalue 2147483647;

create sequence operation_number;

create function novact_aggregates_changed() returns trigger language plpgsql as $$
begin
  update aggregate_change
    set number = number + 1;
  return null;
end
$$;

create function novact_breaker(changes jsonb) returns boolean language plpgsql as $$
declare
  going bigint;
  least_failed bigint;
  suspicious bigint;
  broken bigint;
  remaining bigint;
begin
  update host h
    set failed_builds_of = null
    from jsonb_to_recordset(changes->'hostsEnabled') as r("hostId" text, enabled boolean)
    where h.id = r."hostId"
    and r.enabled
    and h.failed_builds_of is not null;
  select count(*), min(r."failedBuildsMin"), count(*) filter (where
      jsonb_array_length(h.failed_builds_of->'projects') >= 2
      and jsonb_array_length(h.failed_builds_of->'images') >= 2) into going, least_failed, suspicious
    from jsonb_to_recordset(changes->'hostsEnabled') as r("hostId" text, "failedBuildsMin" bigint)
    join host h
    on h.id = r."hostId"
    where r."failedBuildsMin" is not null;
  if going = 0 then
    return true;
  end if;
  select count(*) filter (where not h.enabled
      and h.failed_builds >= least_failed), count(*) filter (where h.enabled
      and not exists (select
        from host_lease l
        where l.host_id = h.id
        and l.fenced_by is not null)
      and not exists (select
        from jsonb_to_recordset(changes->'hostsEnabled') as r("hostId" text, "failedBuildsMin" bigint)
        where r."hostId" = h.id
        and r."failedBuildsMin" is not null)) into broken, remaining
    from host h;
  if suspicious < going
    or remaining = 0
    or broken + going > greatest(1, (broken + going + remaining) / 3) then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;

create function novact_builds(changes jsonb) returns boolean language plpgsql as $$
begin
  if not changes->'buildsEnded' @> '[{"failed":true}]' then
    update host
      set failed_builds = 0, failed_builds_of = null
      where id = any (array(select jsonb_array_elements(changes->'buildsEnded')->>'hostId'))
      and failed_builds > 0;
    return true;
  end if;
  update host h
    set failed_builds = s.failures + case when s.succeeded then 0 else h.failed_builds end, failed_builds_of =
        case when s.failures > 0 then jsonb_build_object('projects', novact_two_of(case when not s.succeeded
        then h.failed_builds_of->'projects' end, s.projects), 'images', novact_two_of(case when not
        s.succeeded then h.failed_builds_of->'images' end, s.images)) end
    from (select b."hostId", bool_or(not b.failed) as succeeded, count(*) filter (where b.place >
        coalesce(b.last_success, 0)) as failures, array_agg(b.project) filter (where b.place >
        coalesce(b.last_success, 0)) as projects, array_agg(b."imageId") filter (where b.place >
        coalesce(b.last_success, 0)) as images
      from (select r.*, r.ordinality as place, max(r.ordinality) filter (where not r.failed) over (partition
          by r."hostId") as last_success
        from rows
        from (jsonb_to_recordset(changes->'buildsEnded') as ("hostId" text, failed boolean, project text,
            "imageId" text)) with ordinality as r) b
      group by b."hostId") s
    where h.id = s."hostId"
    and (s.failures > 0
      or h.failed_builds > 0);
  return true;
end
$$;

create function novact_capacity(changes jsonb) returns boolean language plpgsql as $$
declare
  one jsonb;
  fitting text[];
  full_host text;
  changed bigint;
begin
  if changes ? 'claimsReleased' then
    with gone as (delete
        from claim t using jsonb_to_recordset(changes->'claimsReleased') as r("instanceId" text, "ownerEpoch"
            bigint)
        where t.instance_id = r."instanceId"
        and t.owner_epoch = r."ownerEpoch"
        returning t.*), sums as (select host_id, sum(vcpus)::bigint as vcpus, sum(memory_mib)::bigint as
            memory, sum(disk_gib)::bigint as disk, count(*) as claims
        from gone
        group by host_id) update host h
      set vcpus_claimed = vcpus_claimed - s.vcpus, memory_mib_claimed = memory_mib_claimed - s.memory,
          disk_gib_claimed = disk_gib_claimed - s.disk, instances = instances - s.claims
      from sums s
      where h.id = s.host_id;
  end if;
  if not changes ? 'claims' then
    return true;
  end if;
  select r."hostId" into full_host
    from rows
    from (jsonb_to_recordset(changes->'claims') as ("instanceId" text, "ownerEpoch" bigint, "hostId" text,
        "leaseEpoch" bigint)) with ordinality as r
    left join host_lease l
    on l.host_id = r."hostId"
    left join host h
    on h.id = r."hostId"
    where r."leaseEpoch" <> case when l.fenced_by is null then coalesce(l.lease_epoch, 0) else - 1 end
    or (not h.enabled
      and not coalesce(changes->'claimsReleased' @> jsonb_build_array(jsonb_build_object('instanceId',
          r."instanceId", 'ownerEpoch', r."ownerEpoch")), false))
    order by r.ordinality
    limit 1;
  if found then
    perform novact_refuse('hostFull', jsonb_build_object('hostId', full_host));
  end if;
  if jsonb_array_length(changes->'claims') = 1 then
    one := changes->'claims'->0;
    update host
      set vcpus_claimed = vcpus_claimed + (one->>'vcpus')::bigint, memory_mib_claimed = memory_mib_claimed +
          (one->>'memoryMib')::bigint, disk_gib_claimed = disk_gib_claimed + (one->>'diskGib')::bigint,
          instances = instances + 1
      where id = one->>'hostId'
      and vcpus_claimed + (one->>'vcpus')::bigint <= vcpus
      and memory_mib_claimed + (one->>'memoryMib')::bigint <= memory_mib
      and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib
      and (vcpus_claimed + (one->>'vcpus')::bigint - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) *
          vcpus;
    if not found then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', one->>'hostId'));
    end if;
    insert into claim(instance_id, owner_epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)
      values (one->>'instanceId', (one->>'ownerEpoch')::bigint, one->>'hostId', (one->>'vcpus')::bigint,
          (one->>'memoryMib')::bigint, (one->>'diskGib')::bigint, (one->>'leaseEpoch')::bigint,
          nullif(one->'numa', 'null'))
      on conflict do nothing;
    if not found then
      perform novact_refuse('conflict');
    end if;
    return true;
  end if;
  with sums as (select "hostId", sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory,
      sum("diskGib")::bigint as disk, count(*) as claims
      from jsonb_to_recordset(changes->'claims') as r("hostId" text, vcpus bigint, "memoryMib" bigint,
          "diskGib" bigint)
      group by "hostId"), taken as (update host h
      set vcpus_claimed = vcpus_claimed + s.vcpus, memory_mib_claimed = memory_mib_claimed + s.memory,
          disk_gib_claimed = disk_gib_claimed + s.disk, instances = instances + s.claims
      from sums s
      where h.id = s."hostId"
      and vcpus_claimed + s.vcpus <= h.vcpus
      and memory_mib_claimed + s.memory <= h.memory_mib
      and disk_gib_claimed + s.disk <= h.disk_gib
      and (vcpus_claimed + s.vcpus - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * h.vcpus
      returning h.id)
    select array_agg(t.id), min(s."hostId") filter (where t.id is null) into fitting, full_host
    from sums s
    left join taken t
    on t.id = s."hostId";
  if full_host is not null then
    select r."hostId" into full_host
      from (select r."hostId", r.ordinality, sum(r.vcpus) over earlier as vcpus, sum(r."memoryMib") over
          earlier as memory, sum(r."diskGib") over earlier as disk
        from rows
        from (jsonb_to_recordset(changes->'claims') as ("hostId" text, vcpus bigint, "memoryMib" bigint,
            "diskGib" bigint)) with ordinality as r
        window earlier as (partition by r."hostId"
          order by r.ordinality)) r
      left join host h
      on h.id = r."hostId"
      where r."hostId" <> all (coalesce(array_remove(fitting, null), '{}'))
      and (h.id is null
        or h.vcpus_claimed + r.vcpus > h.vcpus
        or h.memory_mib_claimed + r.memory > h.memory_mib
        or h.disk_gib_claimed + r.disk > h.disk_gib
        or (h.vcpus_claimed + r.vcpus - h.pinned_cpus) * h.real_cpus > (h.real_cpus - h.pinned_cpus) *
            h.vcpus)
      order by r.ordinality
      limit 1;
    perform novact_refuse('hostFull', jsonb_build_object('hostId', full_host));
  end if;
  insert into claim(instance_id, owner_epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)
    select r."instanceId", r."ownerEpoch", r."hostId", r.vcpus, r."memoryMib", r."diskGib", r."leaseEpoch",
        r.numa
    from jsonb_to_recordset(changes->'claims') as r("instanceId" text, "ownerEpoch" bigint, "hostId" text,
        vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "leaseEpoch" bigint, numa jsonb)
    on conflict do nothing;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(changes->'claims') then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;

create function novact_commit(writer text, batch_number bigint, now_ms bigint, commits jsonb) returns jsonb
    language plpgsql set enable_seqscan=off set enable_hashjoin=off set enable_mergejoin=off as $$
declare
  before bigint;
  newest bigint;
  result jsonb;
  results jsonb := '[]';
  broken text;
begin
  if exists (select
      from novact_breaking
      where name > coalesce(current_setting('novact.schema', true), '')) then
    raise exception using errcode = 'NV002', message = 'this controller is older than the database';
  end if;
  select last_sequence into strict before
    from event_head for update;
  newest := before;
  for i in 0 .. jsonb_array_length(commits) - 1 loop
    begin
      result := novact_commit_one(commits->i, newest, now_ms);
    exception
      when sqlstate 'NV001' then
        result := sqlerrm::jsonb;
      when others then
        get stacked diagnostics broken = constraint_name;
        result := coalesce(novact_reference(commits->i, sqlstate, broken), jsonb_build_object('kind',
            'failed', 'code', sqlstate, 'message', sqlerrm, 'constraint', broken));
    end;
    newest := greatest(newest, (result->>'lastSequence')::bigint);
    results := results || result;
  end loop;
  if newest > before then
    update event_head
      set last_sequence = newest;
  end if;
  insert into commit_writer as t(id, batch, results, at_ms)
    values (writer, batch_number, results, now_ms)
    on conflict (id) do update set batch = excluded.batch, results = excluded.results, at_ms = excluded.at_ms
    where t.batch < excluded.batch;
  if not found then
    raise exception using errcode = 'NV000', message = 'the batch was given up by its writer';
  end if;
  return results;
end
$$;

create function novact_commit_extension_rows(changes jsonb) returns boolean language plpgsql as $$
declare
  part record;
  found_rows bigint;
begin
  if changes ? 'extensionsRemoved' then
    with given as (select r.*
        from rows
        from (jsonb_to_recordset(changes->'extensionsRemoved') as (plugin text, noun text, id text)) with
            ordinality as r(plugin, noun, id, place)), gone as (delete
        from extension_row t using given g
        where t.plugin = g.plugin
        and t.noun = g.noun
        and t.id = g.id
        returning t.plugin, t.noun, t.id)
      select g.noun, g.id into part
      from given g
      where (g.plugin, g.noun, g.id) not in (select gone.plugin, gone.noun, gone.id
        from gone)
      order by min(g.place) over (partition by g.plugin, g.noun), g.place
      limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', part.noun, 'id', part.id));
    end if;
  end if;
  if changes ? 'extensionsMade' then
    insert into extension_row(id, plugin, noun, project, user_name, name, unique_name, number, created_at_ms,
        body, version)
      select r.id, r.plugin, r.noun, r.project, r.user, r.name, r."uniqueName", r.number, r."createdAtMs",
          r.body, r.version
      from jsonb_to_recordset(changes->'extensionsMade') as r(id text, plugin text, noun text, project text,
          user text, name text, "uniqueName" text, number bigint, "createdAtMs" bigint, body jsonb, version
          bigint);
  end if;
  for part in
    select r.one
    from jsonb_array_elements(changes->'extensionsChanged') with ordinality as r(one, place)
    order by r.place loop
    update extension_row t
      set name = part.one->>'name', unique_name = part.one->>'uniqueName', body = t.body - array(select
          jsonb_array_elements_text(part.one->'absent')) || (part.one->'body'), version =
          (part.one->>'version')::bigint
      where t.plugin = part.one->>'plugin'
      and t.noun = part.one->>'noun'
      and t.id = part.one->>'id'
      and t.version = (part.one->>'version')::bigint - 1;
    get diagnostics found_rows = row_count;
    if found_rows = 0 then
      perform novact_refuse('conflict');
    end if;
  end loop;
  for part in
    select r.one as counted, r.one->>'user' as user_name
    from jsonb_array_elements(changes->'extensionsCounted') with ordinality as r(one, place)
    order by r.place loop
    select count(*) into found_rows
      from extension_row t
      where t.plugin = part.counted->>'plugin'
      and t.noun = part.counted->>'noun'
      and t.project = part.counted->>'project'
      and (part.user_name is null
        or t.user_name = part.user_name);
    perform novact_refuse_above_limit(part.counted, found_rows);
  end loop;
  return true;
end
$$;

create function novact_commit_hosts(changes jsonb, now_ms bigint) returns boolean language plpgsql as $$
declare
  changed bigint;
  done boolean;
  too_small text;
begin
  if changes ? 'hosts' then
    select h.id into too_small
      from rows
      from (jsonb_to_recordset(changes->'hosts') as ("hostId" text, vcpus bigint, "memoryMib" bigint,
          "diskGib" bigint, numa jsonb)) with ordinality as r
      join host h
      on h.id = r."hostId"
      cross join lateral (select novact_real_cpus(r.numa) as cpus) as real
      where h.vcpus_claimed > r.vcpus
      or h.memory_mib_claimed > r."memoryMib"
      or h.disk_gib_claimed > r."diskGib"
      or (h.pinned_cpus > 0
        and (h.pinned_cpus > real.cpus
          or (h.vcpus_claimed - h.pinned_cpus) * real.cpus > (real.cpus - h.pinned_cpus) * r.vcpus))
      or exists (select
        from host_numa_node c
        left join novact_offered_numa_nodes(r.numa) o
        on o.node = c.node
        and o.resource = c.resource
        where c.host_id = h.id
        and c.claimed > coalesce(o.total, 0))
      order by r.ordinality
      limit 1;
    if found then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', too_small));
    end if;
    insert into host as t(id, number, name, boot_id, architecture, hypervisor, accelerator,
        accelerator_reason, hypervisor_version, vcpus, memory_mib, disk_gib, storage_id, labels, features,
        machine_types, numa, drivers, real_cpus, vcpus_claimed, memory_mib_claimed, disk_gib_claimed,
        instances, pinned_cpus, enabled, registered_at_ms, version, failed_builds, generation)
      select r."hostId", coalesce((select h.number
          from host h
          where h.id = r."hostId"), nextval('host_number')), r.name, r."bootId", r.architecture, r.hypervisor,
              r.accelerator, r."acceleratorReason", r."hypervisorVersion", r.vcpus, r."memoryMib",
              r."diskGib", r."storageId", r.labels, r.features, r."machineTypes", r.numa, r.drivers,
              novact_real_cpus(r.numa), 0, 0, 0, 0, 0, true, now_ms, now_ms, 0, 1
      from jsonb_to_recordset(changes->'hosts') as r("hostId" text, name text, "bootId" text, architecture
          text, hypervisor text, accelerator text, "acceleratorReason" text, "hypervisorVersion" text, vcpus
          bigint, "memoryMib" bigint, "diskGib" bigint, "storageId" text, labels jsonb, features jsonb,
          "machineTypes" jsonb, numa jsonb, drivers jsonb)
      on conflict (id) do update set name = excluded.name, boot_id = excluded.boot_id, architecture =
          excluded.architecture, hypervisor = excluded.hypervisor, accelerator = excluded.accelerator,
          accelerator_reason = excluded.accelerator_reason, hypervisor_version = excluded.hypervisor_version,
          vcpus = excluded.vcpus, memory_mib = excluded.memory_mib, disk_gib = excluded.disk_gib, storage_id =
          excluded.storage_id, labels = excluded.labels, features = excluded.features, machine_types =
          excluded.machine_types, numa = excluded.numa, drivers = excluded.drivers, real_cpus =
          excluded.real_cpus, generation = t.generation + case when (t.name, t.boot_id, t.architecture,
          t.hypervisor, t.accelerator, t.accelerator_reason, t.hypervisor_version, t.vcpus, t.memory_mib,
          t.disk_gib, t.storage_id, t.labels, t.features, t.machine_types, t.numa, t.drivers) is distinct from
          (excluded.name, excluded.boot_id, excluded.architecture, excluded.hypervisor, excluded.accelerator,
          excluded.accelerator_reason, excluded.hypervisor_version, excluded.vcpus, excluded.memory_mib,
          excluded.disk_gib, excluded.storage_id, excluded.labels, excluded.features, excluded.machine_types,
          excluded.numa, excluded.drivers) then 1 else 0 end;
    delete
      from host_numa_node c using jsonb_to_recordset(changes->'hosts') as r("hostId" text, numa jsonb)
      where c.host_id = r."hostId"
      and not exists (select
        from novact_offered_numa_nodes(r.numa) o
        where o.node = c.node
        and o.resource = c.resource);
    insert into host_numa_node as c(host_id, node, resource, total, claimed)
      select r."hostId", o.node, o.resource, o.total, 0
      from jsonb_to_recordset(changes->'hosts') as r("hostId" text, numa jsonb)
      cross join lateral novact_offered_numa_nodes(r.numa) o
      on conflict (host_id, node, resource) do update set total = excluded.total
      where c.total <> excluded.total;
    insert into host_seen as t(host_id, last_seen_at_ms)
      select r."hostId", now_ms
      from jsonb_to_recordset(changes->'hosts') as r("hostId" text)
      on conflict (host_id) do update set last_seen_at_ms = greatest(t.last_seen_at_ms,
          excluded.last_seen_at_ms);
  end if;
  if changes ? 'hostsEnabled' then
    update host t
      set enabled = (r.one->>'enabled')::boolean, disabled_reason = r.one->>'reason', failed_builds = case
          when (r.one->>'enabled')::boolean then 0 else t.failed_builds end, draining = case when
          (r.one->>'enabled')::boolean then null when r.one ? 'draining' then nullif(r.one->'draining',
          'null') else t.draining end, version = t.version + case when changes->'hostsExpected' @>
          jsonb_build_array(jsonb_build_object('hostId', t.id)) then 0 else 1 end
      from jsonb_array_elements(changes->'hostsEnabled') as r(one)
      where t.id = r.one->>'hostId'
      and (not r.one ? 'failedBuildsMin'
        or (t.enabled
          and t.failed_builds >= (r.one->>'failedBuildsMin')::bigint));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'hostsEnabled') then
      done := novact_need_hosts(changes->'hostsEnabled');
      perform novact_refuse('conflict');
    end if;
  end if;
  return true;
end
$$;

create function novact_commit_instances(changes jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
  lost text;
  done boolean;
begin
  if changes ? 'created' then
    insert into instance(id, project, name, version, generation, state, settled, desired, stop, reset_count,
        reset_mode, start_count, built, flavor, image, metadata, mac_address, recovery, storage_id, movable,
        host_id, owner_epoch, attempt, excluded_hosts, server_group_id, availability_zone, hints,
        operation_id, failure, created_at_ms, updated_at_ms, deleted_at_ms, description, lock, guest,
        guest_data, shape, interfaces, volumes)
      select r.id, r.project, r.name, r.version, r.generation, r.state, r.settled, r.desired, r.stop,
          r."resetCount", r."resetMode", r."startCount", r.built, r.flavor, r.image, r.metadata,
          r."macAddress", r.recovery, r."storageId", r.movable, r."hostId", r."ownerEpoch", r.attempt,
          r."excludedHosts", r."serverGroupId", r."availabilityZone", r.hints, r."operationId", r.failure,
          r."createdAtMs", r."updatedAtMs", r."deletedAtMs", r.description, r.lock, r.guest, r."guestData",
          r.shape, r.interfaces, r.volumes
      from jsonb_to_recordset(changes->'created') as r(id text, project text, name text, version bigint,
          generation bigint, state text, settled boolean, desired text, stop jsonb, "resetCount" bigint,
          "resetMode" text, "startCount" bigint, built boolean, flavor jsonb, image jsonb, metadata jsonb,
          "macAddress" text, recovery jsonb, "storageId" text, movable boolean, "hostId" text, "ownerEpoch"
          bigint, attempt bigint, "excludedHosts" jsonb, "serverGroupId" text, "availabilityZone" text, hints
          jsonb, "operationId" text, failure jsonb, "createdAtMs" bigint, "updatedAtMs" bigint, "deletedAtMs"
          bigint, description text, lock jsonb, guest jsonb, "guestData" jsonb, shape jsonb, interfaces jsonb,
          volumes jsonb)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'created') then
      perform novact_refuse('conflict');
    end if;
    with held as (select f.id
        from flavor f
        where f.id in (select r.flavor->>'id'
          from jsonb_to_recordset(changes->'created') as r(flavor jsonb))
        order by f.id for key share)
      select r.flavor->>'id' into lost
      from rows
      from (jsonb_to_recordset(changes->'created') as (flavor jsonb)) with ordinality as r
      where r.flavor->>'id' not in (select id
        from held)
      order by r.ordinality
      limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', 'flavor', 'id', lost));
    end if;
    done := novact_image(changes->'created');
  end if;
  if changes ? 'updated' then
    update instance t
      set project = r.project, name = r.name, version = r.version, generation = r.generation, state = r.state,
          settled = r.settled, desired = r.desired, stop = r.stop, reset_count = r."resetCount", reset_mode =
          r."resetMode", start_count = r."startCount", built = r.built, flavor = r.flavor, image = r.image,
          metadata = r.metadata, mac_address = r."macAddress", recovery = r.recovery, storage_id =
          r."storageId", movable = r.movable, host_id = r."hostId", owner_epoch = r."ownerEpoch", attempt =
          r.attempt, excluded_hosts = r."excludedHosts", server_group_id = r."serverGroupId",
          availability_zone = r."availabilityZone", hints = r.hints, operation_id = r."operationId", failure =
          r.failure, created_at_ms = r."createdAtMs", updated_at_ms = r."updatedAtMs", deleted_at_ms =
          r."deletedAtMs", description = r.description, lock = r.lock, guest = r.guest, shape = r.shape,
          interfaces = r.interfaces, volumes = r.volumes, guest_data = case when r."deletedAtMs" is null then
          t.guest_data end
      from jsonb_to_recordset(changes->'updated') as r(id text, project text, name text, version bigint,
          generation bigint, state text, settled boolean, desired text, stop jsonb, "resetCount" bigint,
          "resetMode" text, "startCount" bigint, built boolean, flavor jsonb, image jsonb, metadata jsonb,
          "macAddress" text, recovery jsonb, "storageId" text, movable boolean, "hostId" text, "ownerEpoch"
          bigint, attempt bigint, "excludedHosts" jsonb, "serverGroupId" text, "availabilityZone" text, hints
          jsonb, "operationId" text, failure jsonb, "createdAtMs" bigint, "updatedAtMs" bigint, "deletedAtMs"
          bigint, description text, lock jsonb, guest jsonb, shape jsonb, interfaces jsonb, volumes jsonb)
      where t.id = r.id
      and t.version = r.version - 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'updated') then
      perform novact_refuse('conflict');
    end if;
  end if;
  return true;
end
$$;

create function novact_commit_one(changes jsonb, newest bigint, now_ms bigint) returns jsonb language plpgsql
    as $$
declare
  known request;
  changed bigint;
  done boolean;
  zones_before jsonb;
begin
  if changes ? 'requests' then
    insert into request(project, request_id, content_hash, answer, at_ms)
      select r.project, r."requestId", r."contentHash", r.answer::json, r."atMs"
      from jsonb_to_recordset(changes->'requests') as r(project text, "requestId" text, "contentHash" text,
          answer text, "atMs" bigint)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'requests') then
      select t.* into strict known
        from request t
        where t.project = changes->'requests'->0->>'project'
        and t.request_id = changes->'requests'->0->>'requestId';
      perform novact_refuse('duplicate', jsonb_build_object('request', jsonb_build_object('project',
          known.project, 'requestId', known.request_id, 'contentHash', known.content_hash, 'answer',
          known.answer::text, 'atMs', known.at_ms)));
    end if;
  end if;
  if changes ? 'usage'
    or changes ? 'deleting' then
    done := novact_quota(changes);
  end if;
  if changes ? 'created'
    or changes ? 'updated' then
    done := novact_commit_instances(changes);
  end if;
  if changes ?| array['aggregateHosts', 'aggregateHostsRemoved']
    or changes->'rowsChanged' @> '[{"table": "aggregate"}]' then
    zones_before := novact_zones_before(changes);
  end if;
  if changes ?| array['rowsRemoved', 'rowsLetGo', 'rowsMade', 'rowsChanged', 'rowsPatched'] then
    done := novact_commit_rows(changes);
  end if;
  if changes ?| array['extensionsRemoved', 'extensionsMade', 'extensionsChanged'] then
    done := novact_commit_extension_rows(changes);
  end if;
  if changes ? 'hostsExpected' then
    done := novact_host(changes);
  end if;
  if changes ? 'hostsEnabled' then
    done := novact_breaker(changes);
  end if;
  if changes ? 'hosts'
    or changes ? 'hostsEnabled' then
    done := novact_commit_hosts(changes, now_ms);
  end if;
  if changes ? 'buildsEnded' then
    done := novact_builds(changes);
  end if;
  if changes ?| array['aggregateHostsRemoved', 'aggregateHosts', 'quotas'] then
    done := novact_commit_placement(changes);
  end if;
  if zones_before is not null then
    done := novact_zone(zones_before);
  end if;
  if changes ?| array['leasesFenced', 'fencesExpected', 'leasesGranted'] then
    done := novact_lease(changes);
  end if;
  if changes ? 'hostsRemoved' then
    done := novact_removal(changes);
  end if;
  if changes ? 'zoned' then
    done := novact_zoned_claims(changes);
  end if;
  if changes ? 'claims'
    or changes ? 'claimsReleased' then
    done := novact_capacity(changes);
  end if;
  if changes ? 'grouped' then
    done := novact_group(changes);
  end if;
  if changes ?| array['machines', 'machinesGone', 'operations'] then
    done := novact_commit_progress(changes);
  end if;
  if not changes ? 'events' then
    return '{"kind":"committed","lastSequence":0}';
  end if;
  insert into event(sequence, at_ms, project, noun, id, event, request_id, operation_id, body)
    select newest + r.ordinality, r."atMs", r.project, r.noun, r.id, r.event, r."requestId", r."operationId",
        r.body
    from rows
    from (jsonb_to_recordset(changes->'events') as ("atMs" bigint, project text, noun text, id text, event
        text, "requestId" text, "operationId" text, body jsonb)) with ordinality as r;
  get diagnostics changed = row_count;
  return jsonb_build_object('kind', 'committed', 'lastSequence', newest + changed);
end
$$;

create function novact_commit_placement(changes jsonb) returns boolean language plpgsql as $$
declare
  lost text;
begin
  if changes ? 'aggregateHostsRemoved' then
    with gone as (delete
        from aggregate_host t using jsonb_to_recordset(changes->'aggregateHostsRemoved') as r("aggregateId"
            text, "hostId" text)
        where t.aggregate_id = r."aggregateId"
        and t.host_id = r."hostId"
        returning t.*)
      select r."hostId" into lost
      from rows
      from (jsonb_to_recordset(changes->'aggregateHostsRemoved') as ("aggregateId" text, "hostId" text)) with
          ordinality as r
      where not exists (select
        from gone g
        where g.aggregate_id = r."aggregateId"
        and g.host_id = r."hostId")
      order by r.ordinality
      limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', 'host', 'id', lost));
    end if;
  end if;
  if changes ? 'aggregateHosts' then
    insert into aggregate_host(aggregate_id, host_id)
      select r."aggregateId", r."hostId"
      from jsonb_to_recordset(changes->'aggregateHosts') as r("aggregateId" text, "hostId" text)
      on conflict do nothing;
  end if;
  if changes ? 'quotas' then
    insert into quota(project, instances_used, vcpus_used, memory_mib_used)
      select r.project, 0, 0, 0
      from jsonb_to_recordset(changes->'quotas') as r(project text)
      on conflict do nothing;
    update quota t
      set instances = case when r.given ? 'instances' then (r.given->>'instances')::bigint else t.instances
          end, vcpus = case when r.given ? 'vcpus' then (r.given->>'vcpus')::bigint else t.vcpus end,
          memory_mib = case when r.given ? 'memoryMib' then (r.given->>'memoryMib')::bigint else t.memory_mib
          end, limits = jsonb_strip_nulls(t.limits || (r.given - array['project', 'instances', 'vcpus',
          'memoryMib']))
      from jsonb_array_elements(changes->'quotas') as r(given)
      where t.project = r.given->>'project';
  end if;
  return true;
end
$$;

create function novact_commit_progress(changes jsonb) returns boolean language plpgsql as $$
declare
  written bigint;
begin
  if changes ? 'machinesGone' then
    delete
      from machine t using jsonb_to_recordset(changes->'machinesGone') as r("instanceId" text, "ownerEpoch"
          bigint)
      where t.instance_id = r."instanceId"
      and t.owner_epoch = r."ownerEpoch";
  end if;
  if changes ? 'machines' then
    insert into machine as t(instance_id, owner_epoch, host_id, generation, intent_generation, reset_count,
        state, reason, message, address, started_at_ms, at_ms)
      select r."instanceId", r."ownerEpoch", r."hostId", r.generation, r."intentGeneration", r."resetCount",
          r.state, r.reason, r.message, r.address, r."startedAtMs", r."atMs"
      from jsonb_to_recordset(changes->'machines') as r("instanceId" text, "ownerEpoch" bigint, "hostId" text,
          generation bigint, "intentGeneration" bigint, "resetCount" bigint, state text, reason text, message
          text, address text, "startedAtMs" bigint, "atMs" bigint)
      on conflict (instance_id, owner_epoch) do update set host_id = excluded.host_id, generation =
          excluded.generation, intent_generation = excluded.intent_generation, reset_count =
          excluded.reset_count, state = excluded.state, reason = excluded.reason, message = excluded.message,
          address = excluded.address, started_at_ms = excluded.started_at_ms, at_ms = excluded.at_ms
      where t.generation < excluded.generation;
  end if;
  if changes ? 'operations' then
    insert into operation as t(id, number, project, noun, instance_id, to_host, kind, state, percent, step,
        steps, request_id, started_at_ms, deadline_at_ms, ended_at_ms, error)
      select r.id, coalesce((select o.number
          from operation o
          where o.id = r.id), nextval('operation_number')), r.project, coalesce(r.noun, 'instance'),
              coalesce(r."entityId", r."instanceId"), nullif(r."toHost", 'null'), r.kind, r.state, r.percent,
              r.step, r.steps, r."requestId", r."startedAtMs", r."deadlineAtMs", r."endedAtMs", r.error
      from jsonb_to_recordset(changes->'operations') as r(id text, project text, noun text, "entityId" text,
          "instanceId" text, "toHost" jsonb, kind text, state text, percent bigint, step text, steps jsonb,
          "requestId" text, "startedAtMs" bigint, "deadlineAtMs" bigint, "endedAtMs" bigint, error jsonb)
      on conflict (id) do update set project = excluded.project, noun = excluded.noun, instance_id =
          excluded.instance_id, to_host = excluded.to_host, kind = excluded.kind, state = excluded.state,
          percent = excluded.percent, step = excluded.step, steps = excluded.steps, request_id =
          excluded.request_id, started_at_ms = excluded.started_at_ms, deadline_at_ms =
          excluded.deadline_at_ms, ended_at_ms = excluded.ended_at_ms, error = excluded.error
      where t.state = 'running';
    get diagnostics written = row_count;
    if written <> jsonb_array_length(changes->'operations') then
      perform novact_refuse('conflict');
    end if;
  end if;
  return true;
end
$$;

create function novact_commit_rows(changes jsonb) returns boolean language plpgsql as $$
declare
  part record;
  names text;
  found_rows bigint;
  done boolean;
begin
  for part in
    select t.name, r.one as patch
    from jsonb_array_elements(changes->'rowsPatched') with ordinality as r(one, place)
    join novact_resource t
    on t.name = r.one->>'table'
    order by r.place loop
    select string_agg(quote_ident(key), ', ') into names
      from jsonb_object_keys(part.patch->'row') as key;
    execute format('update %1$I t set (version, %2$s) = (
          select t.version + 1, %3$s from
        jsonb_populate_record(null::%1$I, $1->''row'') r
        )
        where t.id = $1->>''id'' and
        to_jsonb(t) @> ($1->''fields'')', part.name, names, (select string_agg('r.' || quote_ident(key), ', ')
          from jsonb_object_keys(part.patch->'row') as key)) using part.patch;
    get diagnostics found_rows = row_count;
    if found_rows = 0 then
      perform novact_refuse('conflict');
    end if;
  end loop;
  for part in
    select t.name, t.noun, jsonb_agg(r.one->'id'
      order by r.place) as ids
    from jsonb_array_elements(changes->'rowsRemoved') with ordinality as r(one, place)
    join novact_resource t
    on t.name = r.one->>'table'
    group by t.name, t.noun
    order by min(r.place) loop
    done := novact_remove_named(part.name::regclass, part.noun, part.ids);
  end loop;
  for part in
    select t.name, jsonb_agg(r.one
      order by r.place) as list
    from jsonb_array_elements(changes->'rowsLetGo') with ordinality as r(one, place)
    join novact_resource t
    on t.name = r.one->>'table'
    group by t.name
    order by min(r.place) loop
    done := novact_let_go(part.name::regclass, part.list);
  end loop;
  for part in
    select t.name, jsonb_agg(r.one->'row'
      order by r.place) as list
    from jsonb_array_elements(changes->'rowsMade') with ordinality as r(one, place)
    join novact_resource t
    on t.name = r.one->>'table'
    group by t.name
    order by min(r.place) loop
    select string_agg(quote_ident(key), ', ') into names
      from jsonb_object_keys(part.list->0) as key;
    execute format('insert into %1$I (%2$s) select %2$s from jsonb_populate_recordset(null::%1$I, $1)',
        part.name, names) using part.list;
  end loop;
  for part in
    select t.name, r.one->'row' as changed
    from jsonb_array_elements(changes->'rowsChanged') with ordinality as r(one, place)
    join novact_resource t
    on t.name = r.one->>'table'
    order by r.place loop
    select string_agg(quote_ident(key), ', ') into names
      from jsonb_object_keys(part.changed) as key;
    execute format('update %1$I t set (%2$s) = (select %2$s from jsonb_populate_record(null::%1$I, $1))
      
         where t.id = $1->>''id'' and t.version = ($1->>''version'')::bigint - 1', part.name, names) using
        part.changed;
    get diagnostics found_rows = row_count;
    if found_rows = 0 then
      perform novact_refuse('conflict');
    end if;
  end loop;
  for part in
    select t.name, r.one as counted, r.one->>'project' as project, r.one->>'user' as user_name
    from jsonb_array_elements(changes->'rowsCounted') with ordinality as r(one, place)
    join novact_resource t
    on t.name = r.one->>'table'
    order by r.place loop
    execute format('select %s from %I where project = $1%s', coalesce('coalesce(sum(' ||
        quote_ident(part.counted->>'sumOf') || '), 0)', 'count(*)'), part.name, case when part.user_name is
        null then '' else ' and user_name = $2' end) into found_rows using part.project, part.user_name;
    perform novact_refuse_above_limit(part.counted, found_rows);
  end loop;
  return true;
end
$$;

create function novact_group(changes jsonb) returns boolean language plpgsql as $$
declare
  broken record;
begin
  select r."hostId", g.id into broken
    from rows
    from (jsonb_to_recordset(changes->'grouped') as ("instanceId" text, "hostId" text, "groupId" text)) with
        ordinality as r
    join server_group g
    on g.id = r."groupId"
    where case g.policy when 'anti-affinity' then coalesce(g.max_per_host, 1) <= (select count(*)
        from instance i
        where i.live_server_group_id = g.id
        and i.host_id = r."hostId"
        and i.id <> r."instanceId") + (select count(distinct i.id)
        from instance i
        join claim c
        on c.instance_id = i.id
        where i.live_server_group_id = g.id
        and i.host_id is null
        and c.host_id = r."hostId"
        and i.id <> r."instanceId") when 'affinity' then exists (select
        from instance i
        where i.live_server_group_id = g.id
        and i.host_id <> r."hostId"
        and i.id <> r."instanceId") or exists (select
        from instance i
        join claim c
        on c.instance_id = i.id
        where i.live_server_group_id = g.id
        and i.host_id is null
        and c.host_id <> r."hostId"
        and i.id <> r."instanceId") else false end
    order by r.ordinality
    limit 1;
  if found then
    perform novact_refuse('groupRule', jsonb_build_object('hostId', broken."hostId", 'groupId', broken.id));
  end if;
  return true;
end
$$;

create function novact_host(changes jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  update host t
    set version = t.version + 1
    from jsonb_to_recordset(changes->'hostsExpected') as r("hostId" text, version bigint)
    where t.id = r."hostId"
    and t.version = r.version;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(changes->'hostsExpected') then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;

create function novact_image(created jsonb) returns boolean language plpgsql as $$
declare
  broken record;
begin
  select i.id, seen.usable, case when i.state <> 'active' then 'inactive' when small.small then 'needsMore'
      else 'changed' end as because into broken
    from rows
    from (jsonb_to_recordset(created) as (project text, image jsonb, flavor jsonb)) with ordinality as
        r(project, image, flavor, place)
    join image i
    on i.id = r.image->>'id'
    cross join lateral (select (r.project in ('admin', i.project)
        or i.visibility in ('public', 'community')
        or i.visibility = 'shared'
        and exists (select
          from image_member m
          where m.image_id = i.id
          and m.name = r.project)) as usable) as seen
    cross join lateral (select ((r.flavor->>'memoryMib')::bigint < (i.properties->>'memoryMibMin')::bigint
        or r.image->'disk' <> 'null'
        and (r.flavor->>'diskGib')::bigint - coalesce((r.flavor->>'ephemeralGib')::bigint, 0) -
            ceil(coalesce((r.flavor->>'swapMib')::bigint, 0) / 1024.0) <
            (i.properties->>'diskGibMin')::bigint) as small) as small
    where not seen.usable
    or i.state <> 'active'
    or small.small
    or r.image->'properties' <> i.properties
    order by r.place
    limit 1;
  if found then
    perform novact_refuse('missing', jsonb_build_object('noun', 'image', 'id', broken.id) || case when
        broken.usable then jsonb_build_object('because', broken.because) else '{}' end);
  end if;
  return true;
end
$$;

create function novact_image_protected() returns trigger language plpgsql as $$
begin
  perform novact_refuse('inUse');
  return old;
end
$$;

create function novact_image_room() returns trigger language plpgsql as $$
declare
  most bigint;
  used bigint;
  asked bigint := new.size_bytes - case when tg_op = 'UPDATE' then coalesce(old.size_bytes, 0) else 0 end;
begin
  select coalesce((select (limits->>'imageBytes')::bigint
        from quota
        where project = new.project), (select (limits->>'imageBytes')::bigint
        from quota
        where project = '*')) into most;
  if most >= 0 then
    select sum(size_bytes) into used
      from image
      where project = new.project;
    if used > most then
      perform novact_refuse('quotaExceeded', jsonb_build_object('resource', 'imageBytes', 'limit', most,
          'used', used - asked, 'asked', asked));
    end if;
  end if;
  return null;
end
$$;

create function novact_lease(changes jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
  done boolean;
begin
  if changes ? 'leasesGranted' then
    done := novact_need_hosts(changes->'leasesGranted');
    insert into host_lease as t(host_id, lease_epoch, renewals, fenced_by)
      select r."hostId", r."leaseEpoch", 1, null
      from jsonb_to_recordset(changes->'leasesGranted') as r("hostId" text, "leaseEpoch" bigint)
      where r."leaseEpoch" = 1
      or exists (select
        from host_lease l
        where l.host_id = r."hostId")
      on conflict (host_id) do update set lease_epoch = excluded.lease_epoch, renewals = t.renewals + 1,
          fenced_by = null
      where t.fenced_by is not null
      and excluded.lease_epoch = t.lease_epoch + 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'leasesGranted') then
      perform novact_refuse('conflict');
    end if;
  end if;
  if changes ? 'leasesFenced' then
    update host_lease l
      set fenced_by = r.proof
      from jsonb_to_recordset(changes->'leasesFenced') as r("hostId" text, "leaseEpoch" bigint, renewals
          bigint, proof jsonb)
      where l.host_id = r."hostId"
      and l.lease_epoch = r."leaseEpoch"
      and (l.fenced_by is null
        or (l.fenced_by->>'kind' in ('lease', 'storage')
          and r.proof->>'kind' in ('power', 'operator')))
      and l.renewals = coalesce(r.renewals, l.renewals)
      and exists (select
        from host h
        where h.id = l.host_id);
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'leasesFenced') then
      perform novact_refuse('conflict');
    end if;
  end if;
  if exists (select
      from jsonb_to_recordset(changes->'fencesExpected') as r("hostId" text, "leaseEpoch" bigint)
      where not exists (select
        from host_lease l
        join host h
        on h.id = l.host_id
        where l.host_id = r."hostId"
        and l.lease_epoch = r."leaseEpoch"
        and l.fenced_by is not null)) then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;

create function novact_let_go(tbl regclass, list jsonb) returns boolean language plpgsql as $$
declare
  one jsonb;
begin
  execute format('delete from %s t where t.id = any (array(select g->>''id'' from jsonb_array_elements($1)
      g))
      and exists (
        select 1 from jsonb_array_elements($1) g where g->>''id'' = t.id and
      to_jsonb(t) @> (g->''fields'')
      )', tbl) using list;
  return true;
exception
  when foreign_key_violation then
    if jsonb_array_length(list) > 1 then
      for one in
        select g
        from jsonb_array_elements(list) g loop
        perform novact_let_go(tbl, jsonb_build_array(one));
      end loop;
    end if;
    return true;
end
$$;

create function novact_need_hosts(list jsonb) returns boolean language plpgsql as $$
declare
  lost text;
begin
  select r.one->>'hostId' into lost
    from jsonb_array_elements(list) with ordinality as r(one)
    where not exists (select
      from host h
      where h.id = r.one->>'hostId')
    order by r.ordinality
    limit 1;
  if found then
    perform novact_refuse('missing', jsonb_build_object('noun', 'host', 'id', lost));
  end if;
  return true;
end
$$;

create function novact_numa() returns trigger language plpgsql as $$
declare
  it claim;
  sign bigint := 1;
  pinned bigint;
  wanted bigint;
  changed bigint;
begin
  if tg_op = 'DELETE' then
    it := old;
    sign := - 1;
  else
    it := new;
  end if;
  if (it.numa->>'dedicated')::boolean then
    pinned := sign * it.vcpus;
    update host
      set pinned_cpus = pinned_cpus + pinned
      where id = it.host_id
      and (sign < 0
        or (pinned_cpus + pinned <= real_cpus
          and (vcpus_claimed - pinned_cpus - pinned) * real_cpus <= (real_cpus - pinned_cpus - pinned) *
              vcpus));
    if not found
      and sign > 0 then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', it.host_id));
    end if;
  end if;
  with needs as (select c.node, n.resource, n.amount
      from jsonb_to_recordset(it.numa->'nodes') as c(node bigint, vcpus bigint, "memoryMib" bigint, "pageKib"
          bigint)
      cross join lateral (values ('cpus', case when (it.numa->>'dedicated')::boolean then c.vcpus else 0 end),
          (case when c."pageKib" is null then 'memory' else 'pages:' || c."pageKib" end, case when c."pageKib"
          is null then c."memoryMib" else c."memoryMib" * 1024 / c."pageKib" end)) as n(resource, amount)
      where n.amount > 0), taken as (update host_numa_node t
      set claimed = t.claimed + sign * n.amount
      from needs n
      where t.host_id = it.host_id
      and t.node = n.node
      and t.resource = n.resource
      and (sign < 0
        or t.claimed + n.amount <= t.total)
      returning 1)
    select (select count(*)
      from needs), (select count(*)
      from taken) into wanted, changed;
  if sign > 0
    and wanted <> changed then
    perform novact_refuse('hostFull', jsonb_build_object('hostId', it.host_id));
  end if;
  return null;
end
$$;

create function novact_offered_numa_nodes(numa jsonb) returns TABLE(node bigint, resource text, total bigint)
    language sql as $$
select n.place - 1, offered.resource, offered.total
  from jsonb_array_elements(numa) with ordinality as n(node, place)
  cross join lateral (select coalesce(sum((page->>'sizeKib')::bigint * (page->>'total')::bigint), 0) as kib
    from jsonb_array_elements(n.node->'hugePages') as page) as huge
  cross join lateral (select 'cpus' as resource, (n.node->>'vcpus')::bigint as total
    union all
    select 'memory', greatest(0, (n.node->>'memoryMib')::bigint - floor(huge.kib / 1024))::bigint
    union all
    select 'pages:' || (page->>'sizeKib'), (page->>'total')::bigint
    from jsonb_array_elements(n.node->'hugePages') as page) as offered
$$;

create function novact_progress() returns trigger language plpgsql as $$
begin
  raise exception 'row of table % would go back', tg_table_name using errcode = 'check_violation', constraint
      = tg_name;
end
$$;

create function novact_quota(changes jsonb) returns boolean language plpgsql as $$
declare
  broken record;
begin
  if changes ? 'deleting' then
    update quota q
      set instances_used = greatest(0, instances_used - g.instances), vcpus_used = greatest(0, vcpus_used -
          g.vcpus), memory_mib_used = greatest(0, memory_mib_used - g.memory)
      from (select project, count(*) as instances, sum((flavor->>'vcpus')::bigint) as vcpus,
          sum((flavor->>'memoryMib')::bigint) as memory
        from instance
        where id = any (array(select jsonb_array_elements_text(changes->'deleting')))
        and deleted_at_ms is null
        group by project) g
      where q.project = g.project;
  end if;
  if not changes ? 'usage' then
    return true;
  end if;
  with asked as (select project, sum(instances)::bigint as instances, sum(vcpus)::bigint as vcpus,
      sum("memoryMib")::bigint as memory
      from jsonb_to_recordset(changes->'usage') as r(project text, instances bigint, vcpus bigint, "memoryMib"
          bigint)
      group by project), used as (insert into quota as q(project, instances_used, vcpus_used, memory_mib_used)
      select project, instances, vcpus, memory
      from asked
      on conflict (project) do update set instances_used = q.instances_used + excluded.instances_used,
          vcpus_used = q.vcpus_used + excluded.vcpus_used, memory_mib_used = q.memory_mib_used +
          excluded.memory_mib_used
      returning q.*)
    select r.* into broken
    from asked a
    join used u
    on u.project = a.project
    left join quota d
    on d.project = '*'
    cross join lateral (values (1, 'instances', coalesce(u.instances, d.instances), u.instances_used,
        a.instances), (2, 'vcpus', coalesce(u.vcpus, d.vcpus), u.vcpus_used, a.vcpus), (3, 'memoryMib',
        coalesce(u.memory_mib, d.memory_mib), u.memory_mib_used, a.memory)) as r(place, resource, most, used,
        asked)
    where r.most >= 0
    and r.used > r.most
    and r.asked > 0
    order by r.place
    limit 1;
  if found then
    perform novact_refuse('quotaExceeded', jsonb_build_object('resource', broken.resource, 'limit',
        broken.most, 'used', broken.used - broken.asked, 'asked', broken.asked));
  end if;
  return true;
end
$$;

create function novact_real_cpus(numa jsonb) returns bigint language sql as $$
select coalesce(sum((node->>'vcpus')::bigint), 0)::bigint
  from jsonb_array_elements(numa) as node
$$;

create function novact_recover(writer text, batch_number bigint, now_ms bigint) returns jsonb language plpgsql
    as $$
declare
  known commit_writer;
begin
  perform
    from event_head for update;
  select * into known
    from commit_writer
    where id = writer;
  if known.batch = batch_number then
    return known.results;
  end if;
  insert into commit_writer as t(id, batch, results, at_ms)
    values (writer, batch_number, null, now_ms)
    on conflict (id) do update set batch = excluded.batch, results = null, at_ms = excluded.at_ms;
  return null;
end
$$;

create function novact_reference(changes jsonb, code text, broken text) returns jsonb language plpgsql as $$
declare
  lost record;
  needs record;
begin
  if code = '23505'
    and (broken in ('extension_row_pkey', 'extension_row_name_unique')
      or exists (select
        from novact_resource
        where broken = name || '_pkey'
        or broken like name || '\_%\_unique')) then
    return '{"kind":"nameTaken"}';
  end if;
  select made.relname as tbl, t.noun, t.name as target, a.attname as field into needs
    from pg_constraint k
    join pg_class made
    on made.oid = k.conrelid
    join pg_class target
    on target.oid = k.confrelid
    join novact_resource t
    on t.name = target.relname
    join pg_attribute a
    on a.attrelid = k.conrelid
    and a.attnum = k.conkey[1]
    where code = '23503'
    and k.conname = broken
    and made.relname in (select name
      from novact_resource);
  if found then
    execute format('select r.one->''row''->>%1$L as id from jsonb_array_elements($1) with ordinality as r(one,
        place)
        where r.one->>''table'' = $2 and r.one->''row''->>%1$L is not null
          and not
        exists (select from %2$I t where t.id = r.one->''row''->>%1$L)
        order by r.place limit 1',
        needs.field, needs.target) into lost using coalesce(changes->'rowsMade', '[]') ||
        coalesce(changes->'rowsChanged', '[]'), needs.tbl;
    return jsonb_build_object('kind', 'missing', 'noun', needs.noun, 'id', lost.id);
  end if;
  if code <> '23503'
    or broken !~ '^(instance|aggregate_host)_[a-z_]+_reference$' then
    return null;
  end if;
  with made as (select r.image->>'id' as image_id, r."serverGroupId" as group_id, r.ordinality
      from rows
      from (jsonb_to_recordset(coalesce(changes->'created', '[]') || coalesce(changes->'updated', '[]')) as
          (id text, version bigint, image jsonb, "serverGroupId" text, "deletedAtMs" bigint)) with ordinality
          as r
      left join instance i
      on i.id = r.id
      where r."deletedAtMs" is null
      and coalesce(i.version, 0) = r.version - 1), joined as (select r."aggregateId" as aggregate_id,
          r."hostId" as host_id, r.ordinality
      from rows
      from (jsonb_to_recordset(coalesce(changes->'aggregateHosts', '[]')) as ("aggregateId" text, "hostId"
          text)) with ordinality as r)
    select needed.noun, needed.id into lost
    from (select 1 as place, 'image' as noun, image_id as id, ordinality
      from made
      where not exists (select
        from image
        where image.id = image_id)
      union all
      select 2, 'server-group', group_id, ordinality
      from made
      where group_id is not null
      and not exists (select
        from server_group
        where server_group.id = group_id)
      union all
      select 3, 'aggregate', aggregate_id, ordinality
      from joined
      where not exists (select
        from aggregate
        where aggregate.id = aggregate_id)
      union all
      select 4, 'host', host_id, ordinality
      from joined
      where not exists (select
        from host
        where host.id = host_id)) as needed
    order by needed.place, needed.ordinality
    limit 1;
  if not found then
    return null;
  end if;
  return jsonb_build_object('kind', 'missing', 'noun', lost.noun, 'id', lost.id);
end
$$;

create function novact_refuse(kind text, details jsonb DEFAULT '{}'::jsonb) returns void language plpgsql as
    $$
begin
  raise exception using errcode = 'NV001', message = jsonb_build_object('kind', kind) || details;
end
$$;

create function novact_refuse_above_limit(counted jsonb, found_rows bigint) returns void language plpgsql as
    $$
declare
  resource text := counted->>'resource';
  asked bigint := counted->>'asked';
  most bigint;
begin
  select coalesce((select (limits->>resource)::bigint
        from quota
        where project = counted->>'project'), (select (limits->>resource)::bigint
        from quota
        where project = '*'), (counted->>'most')::bigint) into most;
  if most >= 0
    and found_rows > most then
    perform novact_refuse('quotaExceeded', jsonb_build_object('resource', resource, 'limit', most, 'used',
        found_rows - asked, 'asked', asked));
  end if;
end
$$;

create function novact_rehearse(changes jsonb, now_ms bigint) returns jsonb language plpgsql set
    enable_seqscan=off set enable_hashjoin=off set enable_mergejoin=off as $$
declare
  newest bigint;
  result jsonb;
  broken text;
begin
  select last_sequence into strict newest
    from event_head for update;
  begin
    result := novact_commit_one(changes, newest, now_ms);
    perform novact_refuse('possible');
  exception
    when sqlstate 'NV001' then
      result := sqlerrm::jsonb;
    when others then
      get stacked diagnostics broken = constraint_name;
      result := coalesce(novact_reference(changes, sqlstate, broken), jsonb_build_object('kind', 'failed',
          'code', sqlstate, 'message', sqlerrm, 'constraint', broken));
  end;
  return result;
end
$$;

create function novact_removal(changes jsonb) returns boolean language plpgsql as $$
declare
  removed text[] := array(select jsonb_array_elements(changes->'hostsRemoved')->>'hostId');
  done boolean;
begin
  done := novact_need_hosts(changes->'hostsRemoved');
  if exists (select
      from instance
      where host_id = any (removed)
      and deleted_at_ms is null)
    or exists (select
      from volume v
      left join instance i
      on i.id = v.instance_id
      where v.host_id = any (removed)
      and i.deleted_at_ms is null)
    or exists (select
      from jsonb_to_recordset(changes->'hostsRemoved') as r("hostId" text, parked boolean)
      join claim c
      on c.host_id = r."hostId"
      where not r.parked)
    or exists (select
      from claim c
      join instance i
      on i.id = c.instance_id
      left join host_lease l
      on l.host_id = c.host_id
      where c.host_id = any (removed)
      and (i.deleted_at_ms is null
        or coalesce(i.interfaces, '[]') <> '[]'
        or coalesce(i.volumes, '[]') <> '[]')
      and coalesce(l.fenced_by->>'kind', '') not in ('power', 'operator')
      and (c.lease_epoch = 0
        or not (i.storage_id is not null
          or (coalesce(i.image->'disk', 'null') = 'null'
            and (i.flavor->>'diskGib')::bigint = 0)))) then
    perform novact_refuse('inUse');
  end if;
  if exists (select
      from operation o
      where o.instance_id = any (removed)
      and o.state = 'running'
      and o.noun = 'host'
      and not exists (select
        from jsonb_to_recordset(changes->'operations') as r(id text, state text)
        where r.id = o.id
        and r.state <> 'running')) then
    perform novact_refuse('conflict');
  end if;
  delete
    from claim
    where host_id = any (removed);
  delete
    from host_numa_node
    where host_id = any (removed);
  delete
    from machine
    where host_id = any (removed);
  delete
    from aggregate_host
    where host_id = any (removed);
  delete
    from host_seen
    where host_id = any (removed);
  delete
    from deleted_volume
    where host_id = any (removed);
  delete
    from host
    where id = any (removed);
  return true;
end
$$;

create function novact_remove_named(tbl regclass, noun text, ids jsonb) returns boolean language plpgsql as $$
declare
  lost text;
begin
  begin
    execute format('with gone as (
        delete from %s where id = any (array(select
        jsonb_array_elements_text($1))) returning id
      )
      select one.id from
        jsonb_array_elements_text($1) with ordinality as one(id)
        where one.id not in (select id from
        gone) order by one.ordinality limit 1', tbl) into lost using ids;
  exception
    when foreign_key_violation then
      perform novact_refuse('inUse');
  end;
  if lost is not null then
    perform novact_refuse('missing', jsonb_build_object('noun', noun, 'id', lost));
  end if;
  return true;
end
$$;

create function novact_storage() returns trigger language plpgsql as $$
declare
  wanted bigint;
begin
  if tg_op <> 'INSERT'
    and old.storage_id is not null then
    update storage
      set disk_gib_claimed = disk_gib_claimed - (old.flavor->>'diskGib')::bigint
      where id = old.storage_id;
    delete
      from storage
      where id = old.storage_id
      and disk_gib_claimed = 0
      and novact_storage_size(id) is null;
  end if;
  if tg_op <> 'DELETE'
    and new.storage_id is not null then
    wanted := (new.flavor->>'diskGib')::bigint;
    update storage
      set disk_gib_claimed = disk_gib_claimed + wanted
      where id = new.storage_id
      and (wanted = 0
        or disk_gib_claimed + wanted <= disk_gib);
    if not found
      and wanted > 0 then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', coalesce(new.host_id, '')));
    end if;
  end if;
  return null;
end
$$;

create function novact_storage_offered() returns trigger language plpgsql as $$
declare
  part record;
  known bigint;
  largest bigint;
begin
  for part in
    select told.id, max(told.was) as was, max(told.gib) as gib
    from (select before.id, before.gib as was, null::bigint as gib
      from novact_storages_told(old) as before
      where tg_op <> 'INSERT'
      union all
      select after.id, null::bigint, after.gib
      from novact_storages_told(new) as after
      where tg_op <> 'DELETE') as told
    group by told.id
    order by told.id loop
    continue when part.was = part.gib;
    select disk_gib into known
      from storage
      where id = part.id;
    largest := part.gib;
    if largest is null
      or largest < known then
      largest := novact_storage_size(part.id);
    end if;
    if largest is null then
      delete
        from storage
        where id = part.id
        and disk_gib_claimed = 0;
    else
      insert into storage as t(id, disk_gib, disk_gib_claimed)
        values (part.id, largest, 0)
        on conflict (id) do update set disk_gib = excluded.disk_gib
        where t.disk_gib <> excluded.disk_gib;
    end if;
  end loop;
  return null;
end
$$;

create function novact_storage_size(concerned text) returns bigint language plpgsql as $$
declare
  largest bigint;
begin
  select max(told.gib) into largest
    from host as h, novact_storages_told(h) as told
    where (h.storage_id = concerned
      or h.drivers->'volumeStorages' is not null)
    and told.id = concerned;
  return largest;
end
$$;

create function novact_storages_told(told host) returns TABLE(id text, gib bigint) language sql as $$
select told.storage_id, told.disk_gib
  where told.storage_id is not null
  union all
  select one->>'id', (one->>'sizeGib')::bigint
  from jsonb_array_elements(coalesce(nullif(told.drivers, 'null')->'volumeStorages', '[]')) as one
  where one->>'id' is distinct from told.storage_id
$$;

create function novact_subnet() returns trigger language plpgsql as $$
begin
  if exists (select
      from subnet s
      where s.network_id = new.network_id
      and s.id <> new.id
      and s.cidr::cidr && new.cidr::cidr) then
    raise unique_violation using constraint = 'subnet_range_unique';
  end if;
  new.shared := coalesce((select n.shared
        or n.external
        from network n
        where n.id = new.network_id), false);
  return new;
end
$$;

create function novact_subnets_shared() returns trigger language plpgsql as $$
begin
  update subnet
    set shared = new.shared
    or new.external
    where network_id = new.id;
  return new;
end
$$;

create function novact_two_of(known jsonb, fresh text[]) returns jsonb language sql as $$
select coalesce(jsonb_agg(one
      order by one collate "C"), '[]')
  from (select one
    from (select jsonb_array_elements_text(coalesce(known, '[]'))
      union
      select unnest(fresh)) as every(one)
    where one is not null
    order by one collate "C"
    limit 2) two
$$;

create function novact_volume() returns trigger language plpgsql as $$
declare
  judged boolean := tg_table_name = 'volume';
  part record;
  was_on text;
  was_at text;
  was_gib bigint;
  is_on text;
  is_at text;
  is_gib bigint;
begin
  if tg_op <> 'INSERT' then
    was_on := old.storage_id;
    was_at := old.host_id;
    was_gib := old.size_gib;
  end if;
  if tg_op <> 'DELETE' then
    is_on := new.storage_id;
    is_at := new.host_id;
    is_gib := new.size_gib;
  end if;
  for part in
    select one.id, sum(one.gib)::bigint as more
    from (values (was_on, - was_gib), (is_on, is_gib)) as one(id, gib)
    where one.id is not null
    group by one.id
    order by sum(one.gib) loop
    if judged
      and part.more > 0 then
      update storage
        set disk_gib_claimed = disk_gib_claimed + part.more
        where id = part.id
        and disk_gib_claimed + part.more <= disk_gib;
      if not found then
        perform novact_refuse('hostFull', jsonb_build_object('hostId', coalesce(new.host_id, '')));
      end if;
    else
      update storage
        set disk_gib_claimed = disk_gib_claimed + part.more
        where id = part.id;
      if not found then
        insert into storage as t(id, disk_gib, disk_gib_claimed)
          values (part.id, coalesce(novact_storage_size(part.id), 0), greatest(part.more, 0))
          on conflict (id) do update set disk_gib_claimed = t.disk_gib_claimed + part.more;
      end if;
      delete
        from storage
        where id = part.id
        and disk_gib_claimed = 0
        and novact_storage_size(id) is null;
    end if;
  end loop;
  for part in
    select one.id, sum(one.gib)::bigint as more
    from (values (was_at, - was_gib), (is_at, is_gib)) as one(id, gib)
    where one.id is not null
    group by one.id
    order by sum(one.gib) loop
    update host
      set disk_gib_claimed = disk_gib_claimed + part.more
      where id = part.id
      and (not judged
        or part.more <= 0
        or disk_gib_claimed + part.more <= disk_gib);
    if not found
      and judged
      and part.more > 0 then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', part.id));
    end if;
  end loop;
  return null;
end
$$;

create function novact_zone(zones_before jsonb) returns boolean language plpgsql as $$
declare
  twice text;
  held record;
begin
  select ah.host_id into twice
    from aggregate_host ah
    join aggregate a
    on a.id = ah.aggregate_id
    where a.availability_zone is not null
    group by ah.host_id
    having count(distinct a.availability_zone) > 1
    order by ah.host_id
    limit 1;
  if found then
    perform novact_refuse('zoneConflict', jsonb_build_object('hostId', twice));
  end if;
  with left_behind as (select was.host_id, was.zone
      from jsonb_each_text(zones_before) as was(host_id, zone)
      where novact_zone_of(was.host_id) <> was.zone), empty as (select distinct l.zone
      from left_behind l
      where not exists (select
        from host h
        where novact_zone_of(h.id) = l.zone)), wishing as (select l.zone, i.id
      from left_behind l
      join instance i
      on i.host_id = l.host_id
      where i.availability_zone = l.zone
      and i.deleted_at_ms is null
      and i.desired <> 'deleted'
      union
      select l.zone, i.id
      from left_behind l
      join claim c
      on c.host_id = l.host_id
      join instance i
      on i.id = c.instance_id
      and i.owner_epoch < c.owner_epoch
      where i.availability_zone = l.zone
      and i.deleted_at_ms is null
      and i.desired <> 'deleted'
      union
      select e.zone, i.id
      from empty e
      join instance i
      on i.availability_zone = e.zone
      where i.host_id is null
      and not i.settled
      and i.deleted_at_ms is null
      and i.desired <> 'deleted')
    select w.zone, count(*) as instances, (array_agg(w.id
        order by w.id))[1 : 10] as ids into held
    from wishing w
    group by w.zone
    order by w.zone
    limit 1;
  if found then
    perform novact_refuse('zoneInUse', jsonb_build_object('zone', held.zone, 'count', held.instances,
        'instanceIds', to_jsonb(held.ids)));
  end if;
  return true;
end
$$;

create function novact_zone_of(host text) returns text language sql as $$
select coalesce((select min(a.availability_zone)
      from aggregate_host ah
      join aggregate a
      on a.id = ah.aggregate_id
      where ah.host_id = host), 'nova')
$$;

create function novact_zoned_claims(changes jsonb) returns boolean language plpgsql as $$
declare
  elsewhere text;
begin
  select r."hostId" into elsewhere
    from rows
    from (jsonb_to_recordset(changes->'zoned') as ("hostId" text, zone text)) with ordinality as r
    where novact_zone_of(r."hostId") <> r.zone
    order by r.ordinality
    limit 1;
  if found then
    perform novact_refuse('hostFull', jsonb_build_object('hostId', elsewhere));
  end if;
  return true;
end
$$;

create function novact_zones_before(changes jsonb) returns jsonb language plpgsql as $$
begin
  return(select coalesce(jsonb_object_agg(touched.id, novact_zone_of(touched.id)), '{}')
      from (select r."hostId" as id
        from jsonb_to_recordset(coalesce(changes->'aggregateHosts', '[]') ||
            coalesce(changes->'aggregateHostsRemoved', '[]')) as r("hostId" text)
        union
        select ah.host_id
        from jsonb_array_elements(changes->'rowsChanged') as r(one)
        join aggregate_host ah
        on ah.aggregate_id = r.one->'row'->>'id'
        where r.one->>'table' = 'aggregate') as touched);
end
$$;
