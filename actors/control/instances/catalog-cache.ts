/**
 * Remembers flavors and images for a moment, by the names that creates use. Both are added and removed,
 * images change hands and states, and a freed name may be given to another one at once. So an answer from
 * here is a guess: the commit checks the ids and whether the image may be used, and no create may be refused
 * by an answer older than `sinceMs`. Bounded; when full it is emptied, which needs no bookkeeping.
 */
import { flavor } from "../../../protocol/flavor.ts";
import { image } from "../../../protocol/image.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { Store } from "../../ports/store.ts";
import type { FlavorRecord, ImageRecord } from "../../records/catalog.ts";
import { onlyOne, rowsCalled } from "../request/rows.ts";

export type CatalogStore = Pick<Store, "rows">;

/** By id or by name. */
export interface CatalogNames {
  readonly project: string;
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
    this.#flavors = new Recent(clock, async ({ key }) =>
      onlyOne(flavor, key, await rows.called(flavor, key)),
    );
    this.#images = new Recent(clock, async ({ key, project }) =>
      onlyOne(image, key, await rowsCalled(image, { id: key, project }, rows)),
    );
  }

  /**
   * The flavor and the image that the project means, as they were after `sinceMs` (monotonic); an absence is
   * never remembered. @throws unknownFlavor, unknownImage, ambiguous, and the store's errors
   */
  async find(names: CatalogNames, sinceMs: number): Promise<CatalogEntries> {
    const { project } = names;
    const [size, boots] = await Promise.all([
      this.#flavors.get({ key: names.flavor, project: "" }, sinceMs),
      this.#images.get({ key: names.image, project }, sinceMs),
    ]);
    if (size === undefined) throw unknown("flavor", names);
    if (boots === undefined) throw unknown("image", names);
    return { flavor: size, image: boots };
  }
}

/** The error for a create whose flavor or image does not exist (any more), or is kept from its project. */
export function unknown(noun: "flavor" | "image", names: Omit<CatalogNames, "project">): StatusError {
  const reason = noun === "flavor" ? "unknownFlavor" : "unknownImage";
  return new StatusError(reason, `There is no ${noun} ${names[noun]}.`);
}

export const sameEntries = (one: CatalogEntries, other: CatalogEntries): boolean =>
  one.flavor.id === other.flavor.id &&
  one.image.id === other.image.id &&
  one.image.version === other.image.version;

/** Who asks for which. */
interface Wanted {
  readonly key: string;
  readonly project: string;
}

class Recent<T> {
  readonly #clock: Clock;
  readonly #read: (wanted: Wanted) => Promise<T | undefined>;
  readonly #known = new Map<string, { readonly value: T; readonly readAtMs: number }>();

  constructor(clock: Clock, read: (wanted: Wanted) => Promise<T | undefined>) {
    this.#clock = clock;
    this.#read = read;
  }

  async get(wanted: Wanted, sinceMs: number): Promise<T | undefined> {
    const key = `${wanted.project} ${wanted.key}`;
    const known = this.#known.get(key);
    if (known !== undefined && known.readAtMs > sinceMs) return known.value;
    this.#known.delete(key);
    // Taken before the read, whose answer may lack a row that is written meanwhile.
    const readAtMs = this.#clock.monotonicMs();
    const value = await this.#read(wanted);
    if (this.#known.size >= wireLimits.pageLengthMax) this.#known.clear();
    if (value !== undefined) this.#known.set(key, { value, readAtMs });
    return value;
  }
}
