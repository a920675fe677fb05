/**
 * The tables of the first release, their CHECKs and their indexes, and the rows that must be there. Released:
 * it is never edited, a change is a new migration.
 *
 * Rows that change all the time get room on their pages, so that a new version stays beside the old one.
 */

export const statements = [
  `create table event_head (
    single boolean not null,
    last_sequence bigint not null,
    trimmed bigint not null,
    primary key (single),
    constraint event_head_single_check check (single),
    constraint event_head_order_check check (trimmed >= 0 and trimmed <= last_sequence)
  )`,
  `create table event (
    sequence bigint not null,
    at_ms bigint not null,
    project text collate "C" not null,
    noun text collate "C" not null,
    id text collate "C" not null,
    event text collate "C" not null,
    request_id text collate "C",
    operation_id text collate "C",
    body jsonb not null,
    primary key (sequence)
  )`,
  `create index event_project_idx on event (project, sequence)`,
  `create index event_id_idx on event (id, sequence)`,
  `create table commit_writer (
    id text collate "C" not null,
    batch bigint not null,
    results jsonb,
    at_ms bigint not null,
    primary key (id)
  )`,
  `create table request (
    project text collate "C" not null,
    request_id text collate "C" not null,
    content_hash text collate "C" not null,
    answer json not null,
    at_ms bigint not null,
    primary key (project, request_id)
  )`,
  `create index request_at_idx on request using brin (at_ms)`,
  `create table host (
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
    primary key (id),
    constraint host_architecture_check check (architecture in ('x86_64', 'aarch64')),
    constraint host_claimed_check check (least(vcpus_claimed, memory_mib_claimed, disk_gib_claimed, instances) >= 0),
    constraint host_count_check check (least(failed_builds, generation) >= 0),
    constraint host_capacity_check check (
      vcpus_claimed <= vcpus and memory_mib_claimed <= memory_mib and disk_gib_claimed <= disk_gib
    ),
    constraint host_pinned_check check (
      pinned_cpus >= 0 and pinned_cpus <= real_cpus
      and (vcpus_claimed - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * vcpus
    )
  ) with (fillfactor = 50)`,
  `create index host_name_idx on host (name, id)`,
  `create table host_seen (
    host_id text collate "C" not null,
    last_seen_at_ms bigint not null,
    primary key (host_id)
  ) with (fillfactor = 50)`,
  // A row for each thing that a NUMA node of a host can run out of.
  `create table host_cell (
    host_id text collate "C" not null,
    cell bigint not null,
    resource text collate "C" not null,
    total bigint not null,
    claimed bigint not null,
    primary key (host_id, cell, resource),
    constraint host_cell_claimed_check check (claimed >= 0 and claimed <= total)
  ) with (fillfactor = 50)`,
  `create index host_cell_claimed_idx on host_cell (host_id) where claimed > 0`,
  // Renewals change it all the time, beside the commits; only a commit grants and fences.
  `create table host_lease (
    host_id text collate "C" not null,
    epoch bigint not null,
    renewals bigint not null,
    fenced_by jsonb,
    storage_id text collate "C",
    storage_at bigint not null default '0',
    storage_renewals bigint not null default '0',
    primary key (host_id),
    constraint host_lease_count_check check (least(epoch, renewals) >= 1)
  ) with (fillfactor = 50)`,
  `create table aggregate (
    id text collate "C" not null,
    name text collate "C" not null,
    availability_zone text collate "C",
    metadata jsonb not null,
    created_at_ms bigint not null,
    primary key (id),
    constraint aggregate_name_unique unique (name)
  )`,
  `create table aggregate_host (
    aggregate_id text collate "C" not null,
    host_id text collate "C" not null,
    primary key (aggregate_id, host_id)
  )`,
  `create index aggregate_host_idx on aggregate_host (host_id, aggregate_id)`,
  // Raised by a trigger with every change of the two above.
  `create table aggregate_change (
    single boolean not null,
    number bigint not null,
    primary key (single),
    constraint aggregate_change_single_check check (single)
  )`,
  `create table server_group (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    policy text collate "C" not null,
    max_per_host bigint,
    created_at_ms bigint not null,
    primary key (id),
    constraint server_group_name_unique unique (project, name),
    constraint server_group_policy_check check (
      policy in ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')
    ),
    constraint server_group_max_check check (max_per_host >= 1)
  )`,
  `create index server_group_project_idx on server_group (project, id)`,
  // What a project uses is a sum that is kept, not counted anew.
  `create table quota (
    project text collate "C" not null,
    instances bigint,
    vcpus bigint,
    memory_mib bigint,
    instances_used bigint not null,
    vcpus_used bigint not null,
    memory_mib_used bigint not null,
    primary key (project),
    constraint quota_limit_check check (least(instances, vcpus, memory_mib) >= -1),
    constraint quota_used_check check (least(instances_used, vcpus_used, memory_mib_used) >= 0)
  ) with (fillfactor = 50)`,
  `create table flavor (
    id text collate "C" not null,
    name text collate "C" not null,
    vcpus bigint not null,
    memory_mib bigint not null,
    disk_gib bigint not null,
    created_at_ms bigint not null,
    extra_specs jsonb not null,
    primary key (id),
    constraint flavor_name_unique unique (name),
    constraint flavor_size_check check (least(vcpus, memory_mib, disk_gib) >= 0)
  )`,
  `create table image (
    id text collate "C" not null,
    name text collate "C" not null,
    disk jsonb,
    kernel jsonb,
    ramdisk jsonb,
    command_line text collate "C" not null,
    properties jsonb not null,
    created_at_ms bigint not null,
    primary key (id),
    constraint image_name_unique unique (name)
  )`,
  `create table instance (
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
    epoch bigint not null,
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
    primary key (id),
    constraint instance_version_check check (version >= 1),
    constraint instance_count_check check (least(generation, reset_count, start_count, epoch, attempt) >= 0),
    constraint instance_desired_check check (desired in ('running', 'paused', 'stopped', 'deleted')),
    constraint instance_state_check check (
      state in ('building', 'starting', 'running', 'rebooting', 'pausing', 'paused', 'unpausing',
      'stopping', 'stopped', 'failed', 'unknown', 'deleting', 'deleted')
    ),
    constraint instance_reset_mode_check check (reset_mode in ('soft', 'hard')),
    constraint instance_deleted_check check ((state = 'deleted') = (deleted_at_ms is not null)),
    constraint instance_owner_check check (host_id is null or epoch >= 1)
  ) with (fillfactor = 80)`,
  `create index instance_live_idx on instance (project, id) where deleted_at_ms is null`,
  `create index instance_tombstone_idx on instance (project, id) where deleted_at_ms is not null`,
  `create index instance_name_idx on instance (project, name, id) where deleted_at_ms is null`,
  `create index instance_state_idx on instance (project, state, id) where deleted_at_ms is null`,
  `create index instance_host_idx on instance (host_id, id) where host_id is not null`,
  `create index instance_unsettled_idx on instance (id) where not settled or operation_id is not null`,
  `create index instance_deleted_idx on instance (deleted_at_ms) where deleted_at_ms is not null`,
  `create index instance_movable_idx on instance (host_id, id) where movable`,
  `create index instance_group_idx on instance (server_group_id, id)
    where server_group_id is not null and deleted_at_ms is null`,
  `create index instance_group_host_idx on instance (server_group_id, host_id, id)
    where server_group_id is not null and deleted_at_ms is null`,
  `create index instance_image_idx on instance ((image ->> 'id')) where deleted_at_ms is null`,
  `create table machine (
    instance_id text collate "C" not null,
    epoch bigint not null,
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
    primary key (instance_id, epoch),
    constraint machine_count_check check (least(epoch, generation, intent_generation, reset_count) >= 0),
    constraint machine_state_check check (
      state in ('preparing', 'starting', 'running', 'paused', 'stopping', 'stopped', 'failed', 'gone')
    ),
    constraint machine_reason_check check (
      reason in ('requested', 'guestShutdown', 'guestPanic', 'processLost', 'hostShutdown',
      'guestFailed', 'diskFull', 'imageMissing', 'hypervisorRefused', 'crashLoop', 'leaseLost', 'diskMissing')
    )
  ) with (fillfactor = 80)`,
  `create index machine_host_idx on machine (host_id, instance_id)`,
  `create table claim (
    instance_id text collate "C" not null,
    epoch bigint not null,
    host_id text collate "C" not null,
    vcpus bigint not null,
    memory_mib bigint not null,
    disk_gib bigint not null,
    lease_epoch bigint not null,
    numa jsonb,
    primary key (instance_id, epoch),
    constraint claim_epoch_check check (epoch >= 1),
    constraint claim_size_check check (least(vcpus, memory_mib, disk_gib) >= 0)
  )`,
  `create index claim_host_idx on claim (host_id, instance_id)`,
  `create table operation (
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
    primary key (id),
    constraint operation_kind_check check (
      kind in ('create', 'start', 'stop', 'reboot', 'pause', 'unpause', 'delete', 'recover', 'evacuate', 'move')
    ),
    constraint operation_state_check check (state in ('running', 'done', 'failed', 'cancelled')),
    constraint operation_ended_check check ((state = 'running') = (ended_at_ms is null)),
    constraint operation_percent_check check (percent >= 0 and percent <= 100)
  ) with (fillfactor = 80)`,
  `create index operation_project_idx on operation (project, id)`,
  `create index operation_instance_idx on operation (instance_id, id)`,
  `create index operation_running_idx on operation (id) where state = 'running'`,
  `create index operation_ended_idx on operation (ended_at_ms) where ended_at_ms is not null`,
  "insert into event_head (single, last_sequence, trimmed) values (true, 0, 0)",
  "insert into aggregate_change (single, number) values (true, 0)",
];
