/**
 * What hosts say about themselves, read once for each generation of it: flags, machine types and labels are
 * some kilobytes for each host, and nearly never change, while all hosts are read every second. A cache of
 * one process, as large as there are hosts; what it holds is judged by the generation in the host's row.
 */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { HostFeatures, HostRecord } from "../../actors/records/host.ts";
import { HostEntity } from "../tables/host.ts";
import type { Database } from "./database.ts";
import { readAll, type Selection, selectionOf } from "./select.ts";

const bulky = ["labels", "features", "machineTypes", "numa", "drivers"] as const;
type Bulky = Pick<HostFeatures, (typeof bulky)[number]>;
/** A host that was removed and comes back counts its generations anew, but registers later. */
type Version = Pick<HostRecord, "id" | "generation" | "registeredAtMs">;
type Known = Bulky & Version;

/** Whether a field of a host is read here. */
export const isBulky = (field: string): boolean => bulky.some((name) => name === field);

export class HostFeatureReads {
  readonly #database: Database;
  readonly #selection: Selection<Known>;
  readonly #known = new Map<string, Known>();

  constructor(em: EntityManager, database: Database) {
    this.#database = database;
    const version: readonly string[] = ["id", "generation", "registeredAtMs"];
    const wanted = (field: string) => version.includes(field) || isBulky(field);
    this.#selection = selectionOf(em, HostEntity, "h", wanted);
  }

  /** The same hosts, whole. One more statement when one of them was not read yet, or has changed. */
  async complete<H extends Version>(hosts: readonly H[]): Promise<(H & Bulky)[]> {
    const stale = hosts.filter((host) => !isSame(this.#known.get(host.id), host));
    if (stale.length > 0) await this.#load(stale.map(({ id }) => id));
    return hosts.flatMap((host) => {
      const known = this.#known.get(host.id);
      if (known === undefined) return [];
      const { labels, features, machineTypes, numa, drivers } = known;
      return [{ ...host, labels, features, machineTypes, numa, drivers, generation: known.generation }];
    });
  }

  async #load(ids: readonly string[]): Promise<void> {
    const text = `select ${this.#selection.columns} from host h where h.id = any ($1)`;
    const statement = { name: "hosts_said", text, values: [ids] };
    const rows = await this.#database.read(statement, "read what hosts say");
    for (const known of readAll(this.#selection, rows)) this.#known.set(known.id, known);
  }
}

const isSame = (known: Version | undefined, host: Version): boolean =>
  known?.generation === host.generation && known.registeredAtMs === host.registeredAtMs;
