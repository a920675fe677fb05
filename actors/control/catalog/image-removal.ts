/**
 * Image files follow the rows of images: kept when a row is written, removed when it goes. A failure here is
 * left to the sweeper; it must never fail the request.
 */
import { filesOf, image } from "../../../protocol/image.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import type { ImageFiles, NamedFiles } from "../../ports/image-files.ts";
import type { Store } from "../../ports/store.ts";
import type { ImageRecord } from "../../records/catalog.ts";

export interface ImageRemoval {
  readonly store: Pick<Store, "rows">;
  readonly files: ImageFiles;
  readonly log: Log;
}

/**
 * Ends a registration: its files stay if an image names them now, and are removed if none does. Never
 * rejects.
 */
export async function settleRegistration(imageId: string, removal: ImageRemoval): Promise<void> {
  await attempt("letting go of the files of a registration", removal.log, async () => {
    await removeFiles(await removal.files.release(imageId), removal);
  });
}

/** Removes those of the files that no image names (any more). Never rejects. */
export async function removeFiles(sha256s: readonly string[], removal: ImageRemoval): Promise<void> {
  if (sha256s.length === 0) return;
  await attempt("removing files of an image", removal.log, async () => {
    const removed = await removal.files.removeUnnamed(sha256s, namedFiles(removal.store));
    for (const sha256 of removed) removal.log.info({ sha256 }, "a file that no image has was removed");
  });
}

export function namedFiles(store: ImageRemoval["store"]): NamedFiles {
  return async () => new Set((await allImages(store)).flatMap(filesOf));
}

export async function allImages(store: ImageRemoval["store"]): Promise<readonly ImageRecord[]> {
  const all: ImageRecord[] = [];
  for (;;) {
    const last = all.at(-1);
    const marker = last === undefined ? {} : { marker: last.id };
    const page = await store.rows.list(image, { limit: wireLimits.pageLengthMax, ...marker });
    all.push(...page);
    if (page.length < wireLimits.pageLengthMax) return all;
  }
}

async function attempt(what: string, log: Log, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, what);
    log.warn({ reason, message, error: thrown }, `${what} failed; the sweeper tries again`);
  }
}
