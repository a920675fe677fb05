/**
 * Fills a store with hosts and the instances on them by SQL, as commits would have left them: for benchmarks
 * of a size that nobody waits for otherwise. Used by nothing else.
 */
import { MikroORM } from "@mikro-orm/postgresql";
import { ormOptions } from "../postgres/connect.ts";

export interface Bulk {
  readonly hosts: number;
  readonly instancesPerHost: number;
  readonly project: string;
  readonly wallMs: number;
}

/** Of the host at an index: as long as real ones are. */
export const bulkHostId = (index: number): string =>
  `bulk0000-0000-4000-8000-${String(index).padStart(12, "0")}`;

const hostIdOf = (index: string) => `'bulk0000-0000-4000-8000-' || lpad((${index})::text, 12, '0')`;
const instanceId = "'bulk1111-' || lpad(i::text, 24, '0')";
const hostOfInstance = hostIdOf("i % $1::bigint");
/** Flags as a server's processor has: they are most of what a host says of itself. */
const features = "(select jsonb_agg('processor_flag_' || f) from generate_series(1, 120) f)";

/** Statements that each take the number of hosts, of instances, the time and the project. */
const statements = [
  `insert into host (id, name, boot_id, architecture, hypervisor, accelerator, accelerator_reason,
      hypervisor_version, vcpus, memory_mib, disk_gib, vcpus_claimed, memory_mib_claimed, disk_gib_claimed,
      instances, enabled, registered_at_ms, labels, features, machine_types, numa, failed_builds, generation)
    select ${hostIdOf("h")}, 'bulk-' || h, 'boot', 'x86_64', 'qemu', 'kvm', '', '9.0', 512, 262144, 8192,
      n, n * 2048, n * 20, n, true, $3, jsonb_build_object('rack', 'r' || h % 40), ${features}, '["q35", "pc"]',
      '[]', 0, 1
    from generate_series(0, $1::bigint - 1) h, lateral (select ($2::bigint / $1::bigint) as n) per`,
  `insert into host_seen (host_id, last_seen_at_ms)
    select ${hostIdOf("h")}, $3 from generate_series(0, $1::bigint - 1) h`,
  `insert into host_lease (host_id, epoch, renewals)
    select ${hostIdOf("h")}, 1, 1 from generate_series(0, $1::bigint - 1) h`,
  `insert into instance (id, project, name, version, generation, desired, stop, reset_count, reset_mode,
      start_count, built, state, settled, flavor, image, metadata, mac_address, host_id, epoch, attempt,
      excluded_hosts, created_at_ms, updated_at_ms, recovery, movable)
    select ${instanceId}, $4, 'bulk-' || i, 3, 1, 'running', '{"mode":"graceful","timeoutMs":60000}', 0, 'soft', 1,
      true, 'running', true, jsonb_build_object('id', 'f', 'name', 'bulk', 'vcpus', 1, 'memoryMib', 2048,
      'diskGib', 20, 'extraSpecs', '{}'::jsonb), jsonb_build_object('id', 'i', 'name', 'bulk', 'disk', null,
      'kernel', null, 'ramdisk', null, 'commandLine', '', 'properties', '{}'::jsonb), '{}', '52:54:00:00:00:00',
      ${hostOfInstance}, 1, 1, '[]', $3, $3, '{"policy":"restart","priority":0}', true
    from generate_series(0, $2::bigint - 1) i`,
  `insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch)
    select ${instanceId}, 1, ${hostOfInstance}, 1, 2048, 20, 1 from generate_series(0, $2::bigint - 1) i`,
  `insert into machine (instance_id, epoch, host_id, generation, intent_generation, reset_count, state, reason,
      message, started_at_ms, at_ms)
    select ${instanceId}, 1, ${hostOfInstance}, 3, 1, 0, 'running', 'requested', '', $3, $3
    from generate_series(0, $2::bigint - 1) i`,
  `insert into quota (project, instances_used, vcpus_used, memory_mib_used)
    values ($4, $2::bigint, $2::bigint, $2::bigint * 2048)
    on conflict (project) do update set instances_used = quota.instances_used + $2::bigint`,
];

/** Into the tables of a store that was opened before; takes about 0.1 ms for each instance. */
export async function fillStore(
  url: string,
  { hosts, instancesPerHost, project, wallMs }: Bulk,
): Promise<void> {
  const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  const connection = orm.em.getConnection();
  const values: Readonly<Record<string, string>> = {
    1: String(hosts),
    2: String(hosts * instancesPerHost),
    3: String(wallMs),
    4: `'${project}'`,
  };
  try {
    for (const statement of [...statements, "analyze"]) {
      await connection.execute(statement.replace(/\$([1-4])/g, (_, index: string) => values[index] ?? ""));
    }
  } finally {
    await orm.close(true);
  }
}
