/**
 * Collects the three sides and has them compared: twice when the first look finds something, because a
 * cluster at work changes between two reads. It only looks; it never heals.
 */
import { image } from "../../../protocol/image.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { plug } from "../../../protocol/port.ts";
import type { Running } from "../../../protocol/release.ts";
import type { Space } from "../../../protocol/space.ts";
import { deletedVolume, volume } from "../../../protocol/volume.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { LeftOut } from "../../../protocol/wire/understood.ts";
import type { ClaimTotal } from "../../ports/host-reads.ts";
import type { ImageDoor } from "../../ports/image-bytes.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { OperationRow } from "../../ports/operation-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import type { HostRecord } from "../../records/host.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import {
  listStorage,
  ownersOf,
  type StorageAgent,
  type StorageAnswer,
  storagesOf,
} from "../../shared-storage/listing.ts";
import { compare, type Diagnosis, inBoth } from "./compare.ts";
import type { AilingSink, Audit, DoctorInput, HostAnswer, StorageState, WantedNetworks } from "./input.ts";
import { doctorLimits } from "./limits.ts";
import { listVolumeFiles, type VolumeAgent } from "./volume-listing.ts";

export interface DoctorOptions {
  readonly store: StorePart<{
    instances: "list" | "get" | "unsettled" | "load";
    operations: "list";
    hosts: "list" | "claimTotals" | "storageTotals";
    quotas: "totals";
    rows: "list";
  }>;
  readonly imageFiles: Pick<ImageFiles, "list">;
  /** Absent: this controller takes no uploads. */
  readonly imageDoor?: Pick<ImageDoor, "server" | "uploads"> | undefined;
  /** Asks one host for its audit. @throws StatusError when the host cannot be asked */
  readonly auditHost: (hostId: string, onLeftOut: (leftOut: LeftOut) => void) => Promise<Audit>;
  readonly strange: () => DoctorInput["strange"];
  readonly excessive: () => DoctorInput["excessive"];
  /** The agent to ask about the disks on its shared storage, and about volumes on all that it sees. */
  readonly storageAgent: (hostId: string) => Pick<StorageAgent, "sharedDisks"> & VolumeAgent;
  /** What a host is to apply, as of now. @throws UNAVAILABLE storeUnavailable */
  readonly networksOfHost: (hostId: string) => Promise<WantedNetworks>;
  readonly clock: Clock;
  readonly brake: () => DoctorInput["brake"];
  readonly spaces: () => readonly Space[];
  readonly faults: () => DoctorInput["faults"];
  readonly sinks: () => readonly AilingSink[];
  /** This controller. */
  readonly self: Running;
  /** A roll call of all controllers, this one included. */
  readonly callControllers: () => Promise<readonly Running[]>;
}

/** Answers the findings, and how much was compared. @throws UNAVAILABLE storeUnavailable */
export async function examine(options: DoctorOptions): Promise<Diagnosis> {
  const first = await look(options);
  if (first.findings.length === 0) return first;
  await new Promise<void>((resolve) => options.clock.after(doctorLimits.doctorSecondLookMs, resolve));
  const second = await look(options);
  return { ...second, findings: inBoth(first.findings, second.findings) };
}

async function look(options: DoctorOptions): Promise<Diagnosis> {
  const { store, auditHost, clock, brake: brakeNow } = options;
  const answers = await askAll(store, auditHost);
  const able = await hostsThatAnswered(answers, store);
  const listed = await listStorages(able, options);
  const volumeFiles = await listVolumeFiles(able, options.storageAgent);
  const imageFiles = await listImageFiles(options);
  const uploads = await listUploads(options);
  const images = await allPages<ImageRecord>(
    (page) => store.rows.list(image, page),
    ({ id }) => id,
  );
  const plugs = await allPages<RowOf<typeof plug>>(
    (page) => store.rows.list(plug, page),
    ({ id }) => id,
  );
  const volumeRows = await readVolumeRows(store);
  const before = await store.hosts.claimTotals();
  const hosts = await allHosts(store);
  const unsettled = await readUnsettled(store);
  const instances = await allPages<InstanceRow>(
    async (page) => (await store.instances.list(page)).rows,
    (row) => row.instance.id,
  );
  const running = await allPages<OperationRow>(
    async (page) => (await store.operations.list({ ...page, states: ["running"] })).rows,
    ({ operation }) => operation.id,
  );
  const networks = await networksOf(instances, options);
  const operations = running.map(({ operation }) => operation);
  const storages = await withOwners(listed, instances, store);
  const claimTotals = await store.hosts.claimTotals();
  const movingHosts = differing(before, claimTotals);
  const quotaTotals = await store.quotas.totals();
  const storageTotals = await store.hosts.storageTotals();
  const nowMs = clock.nowMs();
  const brake = brakeNow();
  const strange = options.strange() ?? [];
  const excessive = options.excessive() ?? [];
  const read = {
    instances,
    unsettled,
    operations,
    hosts,
    claimTotals,
    quotaTotals,
    storageTotals,
    answers,
    movingHosts,
    storages,
    images,
    ...{ imageFiles, uploads },
    ...{ plugs, networks, volumeFiles, ...volumeRows },
  };
  const spaces = options.spaces();
  const faults = options.faults() ?? [];
  const controllers = await controllersOf(options, answers);
  return compare({
    nowMs,
    ...read,
    strange,
    excessive,
    spaces,
    faults,
    controllers,
    sinks: options.sinks(),
    ...(brake === undefined ? {} : { brake }),
  });
}

async function readVolumeRows({ rows }: DoctorOptions["store"]) {
  const volumes = await allPages<RowOf<typeof volume>>(
    (page) => rows.list(volume, page),
    ({ id }) => id,
  );
  const deletedVolumes = await allPages<RowOf<typeof deletedVolume>>(
    (page) => rows.list(deletedVolume, page),
    ({ id }) => id,
  );
  return { volumes, deletedVolumes };
}

/** Nobody is called where nobody has a plug-in: only these are compared. */
async function controllersOf(
  { self, callControllers }: DoctorOptions,
  answers: readonly HostAnswer[],
): Promise<readonly Running[]> {
  const has = (plugins: readonly unknown[] = []) => plugins.length > 0;
  const hosts = answers.some((one) => "audit" in one && has(one.audit.plugins));
  if (!hosts && !has(self.release?.plugins)) return [];
  const others = await callControllers();
  return [self, ...others.filter(({ id }) => id !== self.id)];
}

async function listImageFiles({ imageFiles }: DoctorOptions): Promise<DoctorInput["imageFiles"]> {
  try {
    return await imageFiles.list();
  } catch (thrown) {
    return { error: StatusError.from(thrown, "Listing the files of images").message };
  }
}

async function listUploads({ imageDoor }: DoctorOptions): Promise<DoctorInput["uploads"]> {
  if (imageDoor === undefined) return undefined;
  const { server, uploads } = imageDoor;
  // What keeps it from listing them keeps it from the files as well, and is told there.
  const statuses = await uploads.list().catch(() => undefined);
  return statuses && { server, statuses };
}

/** Of hosts with guests on networks alone. */
async function networksOf(
  instances: readonly InstanceRow[],
  { networksOfHost }: DoctorOptions,
): Promise<NonNullable<DoctorInput["networks"]>> {
  const plugged = instances.filter(({ instance }) => (instance.interfaces ?? []).length > 0);
  const hostIds = new Set(plugged.flatMap(({ instance }) => instance.hostId ?? []));
  const found: NonNullable<DoctorInput["networks"]>[number][] = [];
  for (const hostId of hostIds) {
    found.push({ hostId, ...(await networksOfHost(hostId)) });
  }
  return found;
}

const allHosts = (store: DoctorOptions["store"]) =>
  allPages<HostRecord>(
    (page) => store.hosts.list(page),
    (host) => host.id,
  );

async function askAll(
  store: DoctorOptions["store"],
  auditHost: DoctorOptions["auditHost"],
): Promise<readonly HostAnswer[]> {
  const hosts = await allHosts(store);
  return Promise.all(hosts.map(({ id }) => ask(id, auditHost)));
}

/** Those that did not answer the audit are a finding already, and are asked nothing else. */
async function hostsThatAnswered(
  answers: readonly HostAnswer[],
  store: DoctorOptions["store"],
): Promise<readonly HostRecord[]> {
  const answered = new Set(answers.flatMap((answer) => ("audit" in answer ? [answer.hostId] : [])));
  return (await allHosts(store)).filter(({ id }) => answered.has(id));
}

async function listStorages(
  hosts: readonly HostRecord[],
  { storageAgent }: DoctorOptions,
): Promise<readonly StorageAnswer[]> {
  const listings = storagesOf(hosts).map((storage) =>
    listStorage(storage, storageAgent, wireLimits.hostRequestTimeoutMs),
  );
  return Promise.all(listings);
}

async function withOwners(
  listed: readonly StorageAnswer[],
  instances: readonly InstanceRow[],
  store: DoctorOptions["store"],
): Promise<readonly StorageState[]> {
  const living = new Map(instances.map(({ instance }) => [instance.id, instance]));
  return Promise.all(
    listed.map(async (listing) =>
      "error" in listing ? listing : { ...listing, owners: await ownersOf(listing, living, store) },
    ),
  );
}

async function readUnsettled(store: DoctorOptions["store"]): Promise<DoctorInput["unsettled"]> {
  const ids = await allPages<string>(
    (page) => store.instances.unsettled(page),
    (id) => id,
  );
  const unsettled: LoadedInstance[] = [];
  for (const id of ids) {
    const loaded = await store.instances.load(id);
    if (loaded !== undefined) unsettled.push(loaded);
  }
  return unsettled;
}

function differing(before: readonly ClaimTotal[], after: readonly ClaimTotal[]): ReadonlySet<string> {
  const keyOf = ({ hostId, vcpus, memoryMib, diskGib, instances, ...numa }: ClaimTotal) =>
    JSON.stringify([hostId, vcpus, memoryMib, diskGib, instances, numa.pinnedCpus, numa.numaClaimed]);
  const [old, young] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))];
  const moved = [
    ...before.filter((total) => !young.has(keyOf(total))),
    ...after.filter((total) => !old.has(keyOf(total))),
  ];
  return new Set(moved.map(({ hostId }) => hostId));
}

async function ask(hostId: string, auditHost: DoctorOptions["auditHost"]): Promise<HostAnswer> {
  let leftOut: LeftOut | undefined;
  try {
    const audit = await auditHost(hostId, (left) => {
      leftOut = left;
    });
    // The answer may name another host; a host speaks for itself alone.
    return { hostId, audit: { ...audit, hostId }, ...(leftOut && { leftOut }) };
  } catch (thrown) {
    const { message, detail } = StatusError.from(thrown, "Asking the host");
    return { hostId, error: detail === undefined ? message : `${message} ${detail}` };
  }
}

async function allPages<T>(
  read: (page: { limit: number; marker?: string }) => Promise<readonly T[]>,
  idOf: (row: T) => string,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (;;) {
    const last = all.at(-1);
    const marker = last === undefined ? {} : { marker: idOf(last) };
    const page = await read({ limit: wireLimits.pageLengthMax, ...marker });
    all.push(...page);
    if (page.length < wireLimits.pageLengthMax) return all;
  }
}
