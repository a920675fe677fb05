/**
 * All hosts, for who reads them every second. What changes all the time (leases, signs of life, builds under
 * way) is read of every host, in one row of lists; the rest of a host is read again when its row has another
 * version, and aggregates when their number was raised. So nothing of a lease is ever remembered, and ten
 * thousand hosts that only beat cost one short statement.
 *
 * The version of a row is its xmin, the transaction that wrote it: whoever changes the row changes it, and it
 * is compared only for being the same. What is remembered is as large as there are hosts.
 */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { HostLease, HostRecord, SharedStorage } from "../../actors/records/host.ts";
import type { AggregateOfHost } from "../../actors/records/placement.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { HostEntity } from "../tables/host.ts";
import type { Database, Row } from "./database.ts";
import type { HostFeatureReads } from "./host-features.ts";
import {
  aggregateObject,
  buildsByHost,
  isLight,
  leaseOf,
  numaByHost,
  storageOf,
  storageSaid,
  storagesById,
  usesOf,
} from "./host-row.ts";
import { type Selection, selectionOf } from "./select.ts";

type Beating = "lastSeenAtMs" | "aggregates" | "ioOps" | "lease" | "storage";
/** What only a commit changes. */
type Lasting = Omit<HostRecord, Beating>;
type Kept = Omit<Lasting, "labels" | "features" | "machineTypes" | "numa" | "drivers" | "numaClaimed">;

interface Known {
  readonly version: number;
  readonly lasting: Lasting;
  /** As it was answered last. */
  record?: HostRecord;
}

/** The same position in each list is the same host; in order of id. */
interface Beats {
  readonly ids: readonly string[];
  readonly versions: readonly number[];
  readonly seenAtMs: readonly number[];
  readonly epochs: readonly (number | null)[];
  readonly renewals: readonly (number | null)[];
  readonly storageIds: readonly (string | null)[];
  readonly storageRenewals: readonly (number | null)[];
  readonly fences: Readonly<Record<string, FenceProof>>;
  readonly builds: Readonly<Record<string, number>>;
  readonly aggregateChange: number;
  /** By id. */
  readonly storages: Readonly<Record<string, unknown>>;
}

const beatsText = `select json_agg(id), json_agg(version), json_agg(seen), json_agg(lease_epoch), json_agg(renewals),
    json_agg(storage), json_agg(storage_renewals), json_object_agg(id, fenced_by) filter (where fenced_by is not null),
    (select json_object_agg(b.host_id, b.running) from (${buildsByHost}) b),
    (select number from aggregate_change), (${storagesById})
  from (
    select h.id, h.xmin::text::bigint as version, s.last_seen_at_ms as seen, l.lease_epoch, l.renewals, l.fenced_by,
        ${storageSaid} as storage, l.storage_renewals
      from host h join host_seen s on s.host_id = h.id left join host_lease l on l.host_id = h.id
      order by h.id
  ) beating`;

const setsText = `select (select number from aggregate_change), json_object_agg(host_id, sets) from (
    select ah.host_id, json_agg(${aggregateObject} order by a.id) as sets
      from aggregate_host ah join aggregate a on a.id = ah.aggregate_id group by ah.host_id
  ) joined`;

export class HostPicture {
  readonly #database: Database;
  readonly #kept: Selection<Kept>;
  readonly #said: HostFeatureReads;
  readonly #known = new Map<string, Known>();
  #sets: Readonly<Record<string, readonly AggregateOfHost[]>> = {};
  #setsChange: number | undefined;
  /** By id; the same object while nothing of the storage has changed. */
  #storages: Storages = new Map();
  #reading: Promise<unknown> | undefined;
  #next: Promise<readonly HostRecord[]> | undefined;

  constructor(em: EntityManager, database: Database, said: HostFeatureReads) {
    this.#database = database;
    this.#kept = selectionOf(em, HostEntity, "h", isLight);
    this.#said = said;
  }

  /** One reading at a time: whoever asks while one is under way shares the next with all others who did. */
  read(): Promise<readonly HostRecord[]> {
    this.#next ??= this.#afterPresent();
    return this.#next;
  }

  async #afterPresent(): Promise<readonly HostRecord[]> {
    await this.#reading?.catch(() => undefined);
    this.#next = undefined;
    const reading = this.#readNow();
    this.#reading = reading;
    return reading;
  }

  async #readNow(): Promise<readonly HostRecord[]> {
    const [row = []] = await this.#database.read({ name: "host_beats", text: beatsText }, "read the hosts");
    const beats = beatsOf(row);
    if (beats.aggregateChange !== this.#setsChange) await this.#readSets();
    this.#storages = storagesOf(beats, this.#storages);
    const stale = beats.ids.filter((id, at) => this.#known.get(id)?.version !== beats.versions[at]);
    for (let from = 0; from < stale.length; from += wireLimits.pageLengthMax)
      await this.#readLasting(stale.slice(from, from + wireLimits.pageLengthMax));
    if (this.#known.size > beats.ids.length) this.#forgetAllBut(new Set(beats.ids));
    return beats.ids.flatMap((id, at) => this.#record(beats, id, at) ?? []);
  }

  async #readSets(): Promise<void> {
    const [row = []] = await this.#database.read({ name: "host_sets", text: setsText }, "read aggregates");
    const [change, sets] = row;
    this.#sets = (sets ?? {}) as Readonly<Record<string, readonly AggregateOfHost[]>>;
    this.#setsChange = Number(change);
  }

  async #readLasting(ids: readonly string[]): Promise<void> {
    // Whoever claims NUMA nodes changes the sums in the host's row as well.
    const text = `select h.xmin::text::bigint, k.uses, ${this.#kept.columns} from host h
      left join (${numaByHost}) k on k.host_id = h.id where h.id = any ($1)`;
    const statement = { name: "hosts_changed", text, values: [ids] };
    const rows = await this.#database.read(statement, "read the hosts that have changed");
    const versions = new Map<string, number>();
    const kept = rows.flatMap((row) => {
      const [version, uses] = row;
      const host = this.#kept.read(row, 2);
      if (host === undefined) return [];
      versions.set(host.id, Number(version));
      return { ...host, numaClaimed: usesOf(uses) };
    });
    for (const lasting of await this.#said.complete(kept))
      this.#known.set(lasting.id, { version: versions.get(lasting.id) ?? 0, lasting });
  }

  #forgetAllBut(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }

  /**
   * The same object as before when nothing has changed. Undefined for a host that was removed while the
   * others were read.
   */
  #record(beats: Beats, id: string, at: number): HostRecord | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    const { record: before } = known;
    const lastSeenAtMs = beats.seenAtMs[at] ?? 0;
    const ioOps = beats.builds[id] ?? 0;
    const aggregates = this.#sets[id] ?? none;
    const lease = leaseAt(beats, at, before?.lease);
    const storage = this.#storages.get(known.lasting.storageId ?? "") ?? null;
    const isSame =
      before?.lastSeenAtMs === lastSeenAtMs &&
      before.ioOps === ioOps &&
      before.aggregates === aggregates &&
      before.storage === storage &&
      before.lease === lease;
    const beating = { lastSeenAtMs, ioOps, aggregates, storage, lease };
    known.record = isSame ? before : { ...known.lasting, ...beating };
    return known.record;
  }
}

const none: readonly AggregateOfHost[] = [];

type Storages = ReadonlyMap<string, SharedStorage>;

function storagesOf({ storages }: Beats, before: Storages): Storages {
  const next = new Map<string, SharedStorage>();
  for (const [id, list] of Object.entries(storages)) {
    const [found, known] = [storageOf(list), before.get(id)];
    const isSame = known?.diskGib === found?.diskGib && known?.diskGibClaimed === found?.diskGibClaimed;
    const storage = isSame ? known : found;
    if (storage) next.set(id, storage);
  }
  return next;
}

/**
 * The known host lease, unless the row has another lease epoch, count of renewals or fence: a change of any
 * other column comes with a change of these. A fenced lease is always made anew, since the fence is parsed
 * anew each time.
 */
function leaseAt(beats: Beats, at: number, known: HostLease | null | undefined): HostLease | null {
  const { ids, epochs, renewals, storageIds, storageRenewals, fences } = beats;
  const [ownerEpoch = null, count = 0] = [epochs[at], renewals[at] ?? 0];
  const fencedBy = fences[ids[at] ?? ""] ?? null;
  const isSame = known?.leaseEpoch === ownerEpoch && known?.renewals === count && known.fencedBy === fencedBy;
  return isSame ? known : leaseOf([ownerEpoch, count, fencedBy, storageIds[at], storageRenewals[at]]);
}

/** The lists are made by beatsText, of columns whose types it knows. */
function beatsOf(row: Row): Beats {
  const [ids, versions, seenAtMs, epochs, renewals, storageIds, storageRenewals, ...rest] = row;
  const [fences, builds, aggregateChange, storages] = rest;
  return {
    ids: (ids ?? []) as Beats["ids"],
    versions: (versions ?? []) as Beats["versions"],
    seenAtMs: (seenAtMs ?? []) as Beats["seenAtMs"],
    epochs: (epochs ?? []) as Beats["epochs"],
    renewals: (renewals ?? []) as Beats["renewals"],
    storageIds: (storageIds ?? []) as Beats["storageIds"],
    storageRenewals: (storageRenewals ?? []) as Beats["storageRenewals"],
    fences: (fences ?? {}) as Beats["fences"],
    builds: (builds ?? {}) as Beats["builds"],
    aggregateChange: Number(aggregateChange),
    storages: (storages ?? {}) as Beats["storages"],
  };
}
