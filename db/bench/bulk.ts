/**
 * Fills a store with hosts and the instances on them, as commits would have left them: for benchmarks of a
 * size that nobody waits for otherwise. The first host and its first instance are committed like any other;
 * SQL copies their rows. It must never name a column that copies have in common: then a column that is added
 * to a table needs nothing here. Used by nothing else.
 */

import { MikroORM } from "@mikro-orm/postgresql";
import type { Store } from "../../actors/ports/store.ts";
import type { ImageRecord } from "../../actors/records/catalog.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { InstanceRecord, MachineRecord } from "../../actors/records/instance.ts";
import type { Flavor } from "../../protocol/flavor.ts";
import { flavor } from "../../protocol/flavor.ts";
import { image } from "../../protocol/image.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import { ormOptions } from "../postgres/connect.ts";

export interface Bulk {
  readonly hosts: number;
  /** At least 1. */
  readonly instancesPerHost: number;
  /** One that has nothing yet. */
  readonly project: string;
  readonly wallMs: number;
}

/** Of the host at an index: as long as real ones are. */
export const bulkHostId = (index: number): string =>
  `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;

const bulkInstanceId = (index: number): string =>
  `11111111-1111-7111-8111-${String(index).padStart(12, "0")}`;

const inventory: HostInventory = {
  hostId: bulkHostId(0),
  name: "bulk-0",
  bootId: "boot",
  architecture: "x86_64",
  hypervisor: "bench",
  accelerator: "kvm",
  acceleratorReason: "",
  hypervisorVersion: "9.0",
  vcpus: 512,
  memoryMib: 262_144,
  diskGib: 8_192,
  labels: { rack: "r0" },
  // As a server's processor has them: they are most of what a host says of itself.
  features: Array.from({ length: 120 }, (_, index) => `processor_flag_${index}`),
  machineTypes: ["q35", "pc"],
  numa: [],
  storageId: null,
};

const flavorOf = ({ wallMs }: Bulk): Flavor => ({
  id: "22222222-2222-4222-8222-000000000000",
  name: "bulk",
  vcpus: 1,
  memoryMib: 2_048,
  diskGib: 20,
  ...{ ephemeralGib: 0, swapMib: 0 },
  extraSpecs: {},
  createdAtMs: wallMs,
});

const imageOf = ({ wallMs }: Bulk): Omit<ImageRecord, "version"> => ({
  id: "33333333-3333-4333-8333-000000000000",
  name: "bulk",
  disk: { sha256: "a".repeat(64), sizeBytes: 1_000, format: "qcow2", virtualSizeBytes: 2 ** 30 },
  kernel: null,
  ramdisk: null,
  commandLine: "",
  properties: { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 },
  ...{ project: adminProject, visibility: "public", state: "active", protected: false, checksums: null },
  ...{ sizeBytes: null, holder: null, refusal: null },
  createdAtMs: wallMs,
});

/** At rest: running, with nothing left to do. */
function instanceOf(bulk: Bulk): InstanceRecord {
  const { createdAtMs: _, ...flavor } = flavorOf(bulk);
  const { id, name, disk, kernel, ramdisk, commandLine, properties } = imageOf(bulk);
  const image = { id, name, disk, kernel, ramdisk, commandLine, properties };
  return {
    id: bulkInstanceId(0),
    project: bulk.project,
    name: "bulk-0",
    version: 1,
    generation: 1,
    desired: "running",
    stop: { mode: "graceful", timeoutMs: 60_000 },
    resetCount: 0,
    resetMode: "soft",
    startCount: 1,
    built: true,
    state: "running",
    settled: true,
    flavor,
    image,
    metadata: {},
    description: null,
    guest: null,
    lock: null,
    shape: null,
    interfaces: null,
    volumes: null,
    macAddress: "52:54:00:00:00:00",
    recovery: { policy: "restart", priority: 0 },
    storageId: null,
    movable: true,
    hostId: bulkHostId(0),
    ownerEpoch: 1,
    attempt: 1,
    excludedHosts: [],
    serverGroupId: null,
    availabilityZone: null,
    hints: null,
    operationId: null,
    failure: null,
    createdAtMs: bulk.wallMs,
    updatedAtMs: bulk.wallMs,
    deletedAtMs: null,
  };
}

const machineOf = ({ wallMs }: Bulk): MachineRecord => ({
  instanceId: bulkInstanceId(0),
  ownerEpoch: 1,
  hostId: bulkHostId(0),
  generation: 3,
  intentGeneration: 1,
  resetCount: 0,
  state: "running",
  reason: "requested",
  message: "",
  address: null,
  startedAtMs: wallMs,
  atMs: wallMs,
});

/** The first host, then its first instance. */
function firstTurns(bulk: Bulk): readonly Commit[] {
  const [hostId, instanceId] = [bulkHostId(0), bulkInstanceId(0)];
  const { vcpus, memoryMib, diskGib } = flavorOf(bulk);
  const claim = { instanceId, ownerEpoch: 1, hostId, vcpus, memoryMib, diskGib, leaseEpoch: 1, numa: null };
  return [
    {
      rows: [
        { resource: flavor, made: { ...flavorOf(bulk), version: 1 } },
        { resource: image, made: { ...imageOf(bulk), version: 1 } },
      ],
    },
    { hosts: [inventory], leasesGranted: [{ hostId, leaseEpoch: 1 }] },
    {
      instances: [{ expectedVersion: 0, row: instanceOf(bulk) }],
      claims: [claim],
      machines: [machineOf(bulk)],
    },
  ];
}

/** The id of the row at `index`: ids end in their index. */
const idAt = (first: string, index: string) => `'${first.slice(0, -12)}' || lpad((${index})::text, 12, '0')`;

interface Copies {
  readonly table: string;
  /** The column that finds the original, and the original's value there. */
  readonly key: string;
  readonly first: string;
  readonly count: number;
  /** Columns in which the copies differ, as SQL in terms of the index `i`. */
  readonly own: Readonly<Record<string, string>>;
}

/** Copies every column but the generated columns: PostgreSQL fills these. */
const copyStatement = ({ table, key, first, count, own }: Copies): string => {
  const fields = Object.entries(own).map(([column, value]) => `'${column}', ${value}`);
  return `do $copy$ declare given text; begin
    select string_agg(quote_ident(attname), ', ' order by attnum) into given from pg_attribute
      where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped and attgenerated = '';
    execute 'insert into ${table} (' || given || ') select ' || given || $rows$ from (
      select copy.* from ${table} original, generate_series(1, ${count - 1}::bigint) i,
        lateral jsonb_populate_record(original, jsonb_build_object(${fields.join(", ")})) copy
      where original.${key} = '${first}'
    ) copies$rows$;
  end $copy$`;
};

/** First all hosts become as full as they will be; a copy of the first host is full then, too. */
function statementsFor({ hosts, instancesPerHost, project }: Bulk): readonly string[] {
  const [host, instance] = [bulkHostId(0), bulkInstanceId(0)];
  const [hostId, instanceId] = [idAt(host, "i"), idAt(instance, "i")];
  const ofHosts = { first: host, count: hosts };
  const ofInstances = { first: instance, count: hosts * instancesPerHost };
  const placed = { instance_id: instanceId, host_id: idAt(host, `i % ${hosts}`) };
  const grown = (columns: readonly string[], times: number) =>
    columns.map((column) => `${column} = ${column} * ${times}`).join(", ");
  const sums = grown(
    ["vcpus_claimed", "memory_mib_claimed", "disk_gib_claimed", "instances"],
    instancesPerHost,
  );
  const used = grown(["instances_used", "vcpus_used", "memory_mib_used"], ofInstances.count);
  const number = "nextval('host_number')";
  const named = {
    id: hostId,
    number,
    name: "'bulk-' || i",
    labels: "jsonb_build_object('rack', 'r' || i % 40)",
  };
  const { instance_id: id, host_id } = placed;
  const copies: readonly Copies[] = [
    { table: "host", key: "id", ...ofHosts, own: named },
    { table: "host_seen", key: "host_id", ...ofHosts, own: { host_id: hostId } },
    { table: "host_lease", key: "host_id", ...ofHosts, own: { host_id: hostId } },
    { table: "instance", key: "id", ...ofInstances, own: { id, name: "'bulk-' || i", host_id } },
    { table: "claim", key: "instance_id", ...ofInstances, own: placed },
    { table: "machine", key: "instance_id", ...ofInstances, own: placed },
  ];
  return [
    `update host set ${sums} where id = '${host}'`,
    ...copies.map(copyStatement),
    `update quota set ${used} where project = '${project}'`,
    "analyze",
  ];
}

/**
 * Into a store that is open, and the database behind it; takes some tenths of a ms for each instance. Once
 * for a database.
 */
export async function fillStore(store: Store, url: string, bulk: Bulk): Promise<void> {
  for (const commit of firstTurns(bulk)) {
    const { kind } = await store.commit(commit);
    if (kind !== "committed") throw new Error(`The first rows were not committed: ${kind}.`);
  }
  await store.signsOfLife.touch([bulkHostId(0)], bulk.wallMs);
  const orm = await MikroORM.init(ormOptions(url, { max: 1, connectionTimeoutMillis: 5_000 }));
  try {
    for (const statement of statementsFor(bulk)) await orm.em.getConnection().execute(statement);
  } finally {
    await orm.close(true);
  }
}
