/**
 * Remembers flavors and images for a moment, by the names that creates use. Neither ever changes, but both
 * are added and removed, and a freed name may be given to another one at once. So an answer from here is a
 * guess: the commit checks the ids, and no create may be refused by an answer older than `sinceMs`. Bounded;
 * when full it is emptied, which needs no bookkeeping.
 */
import { flavor } from "../../../protocol/flavor.ts";
import { image } from "../../../protocol/image.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Resource, RowOf } from "../../../protocol/wire/resource.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { RowReads } from "../../ports/row-reads.ts";
import type { Store } from "../../ports/store.ts";
import type { FlavorRecord, ImageRecord } from "../../records/catalog.ts";
import { onlyOne } from "../request/rows.ts";

export type CatalogStore = Pick<Store, "rows">;

/** By id or by name. */
export interface CatalogNames {
  readonly flavor: string;
  readonly image: string;
}

export interface CatalogEntries {
  readonly flavor: FlavorRecord;
  readonly image: ImageRecord;
}

export class CatalogCache {
  readonly #flavors: Recent<FlavorRecord>;
  readonly #images: Recent<ImageRecord>;

  constructor({ rows }: CatalogStore, clock: Clock) {
    this.#flavors = new Recent(clock, (key) => called(flavor, key, rows));
    this.#images = new Recent(clock, (key) => called(image, key, rows));
  }

  /**
   * The flavor and the image, as they were after `sinceMs` (monotonic); an absence is never remembered.
   * @throws unknownFlavor, unknownImage, ambiguous, and the store's errors
   */
  async find(names: CatalogNames, sinceMs: number): Promise<CatalogEntries> {
    const [size, boots] = await Promise.all([
      this.#flavors.get(names.flavor, sinceMs),
      this.#images.get(names.image, sinceMs),
    ]);
    if (size === undefined) throw unknown("flavor", names);
    if (boots === undefined) throw unknown("image", names);
    return { flavor: size, image: boots };
  }
}

/** @throws ambiguous */
async function called<R extends Resource>(
  resource: R,
  key: string,
  rows: RowReads,
): Promise<RowOf<R> | undefined> {
  return onlyOne(resource, key, await rows.called(resource, key));
}

/** The error for a create whose flavor or image does not exist (any more). */
export function unknown(noun: keyof CatalogNames, names: CatalogNames): StatusError {
  const reason = noun === "flavor" ? "unknownFlavor" : "unknownImage";
  return new StatusError(reason, `There is no ${noun} ${names[noun]}.`);
}

export const sameEntries = (one: CatalogEntries, other: CatalogEntries): boolean =>
  one.flavor.id === other.flavor.id && one.image.id === other.image.id;

class Recent<T> {
  readonly #clock: Clock;
  readonly #read: (key: string) => Promise<T | undefined>;
  readonly #known = new Map<string, { readonly value: T; readonly readAtMs: number }>();

  constructor(clock: Clock, read: (key: string) => Promise<T | undefined>) {
    this.#clock = clock;
    this.#read = read;
  }

  async get(key: string, sinceMs: number): Promise<T | undefined> {
    const known = this.#known.get(key);
    if (known !== undefined && known.readAtMs > sinceMs) return known.value;
    this.#known.delete(key);
    // Taken before the read, whose answer may lack a row that is written meanwhile.
    const readAtMs = this.#clock.monotonicMs();
    const value = await this.#read(key);
    if (this.#known.size >= wireLimits.pageLengthMax) this.#known.clear();
    if (value !== undefined) this.#known.set(key, { value, readAtMs });
    return value;
  }
}
