/**
 * Removes image files that no image has, and ends work that died half-way: a registration that never wrote
 * its row, a removal between row and file. Every controller sweeps, when it starts and from time to time: the
 * files may be on its computer alone, and sweeping twice is harmless.
 */
import { filesOf } from "../../../protocol/image.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import type { RowReads } from "../../ports/rows.ts";
import type { ActorContext, ActorDefinition } from "../../runtime/system.ts";
import { allImages, namedFiles } from "./image-removal.ts";
import { catalogLimits } from "./limits.ts";

export interface ImageSweeperOptions {
  readonly store: RowReads;
  readonly files: ImageFiles;
}

interface Tick {
  readonly kind: "tick";
}

export function imageSweeperDefinition(options: ImageSweeperOptions): ActorDefinition<null, Tick> {
  return {
    name: "image-sweeper",
    init: async (context) => {
      context.self.tell({ kind: "tick" });
      return null;
    },
    receive: async (_state, _message, context) => {
      await round(options, context);
      tickLater(context);
      return null;
    },
  };
}

function tickLater(context: ActorContext<Tick>): void {
  const cancel = () => timer.cancel();
  const timer = context.clock.after(catalogLimits.imageSweepPeriodMs, () => {
    context.signal.removeEventListener("abort", cancel);
    if (!context.signal.aborted) context.self.tell({ kind: "tick" });
  });
  context.signal.addEventListener("abort", cancel, { once: true });
}

async function round(options: ImageSweeperOptions, { clock, log }: ActorContext<Tick>): Promise<void> {
  try {
    await sweepImageFiles(options, clock, log);
  } catch (thrown) {
    const { reason, message } = StatusError.from(thrown, "Looking for files that no image has");
    log.warn({ reason, message }, "the image files were not swept");
  }
}

/**
 * One round. It releases a hold when its image's row exists, or when no registration can be as old; then it
 * removes files that are neither named nor held, and not young.
 */
export async function sweepImageFiles(
  { store, files }: ImageSweeperOptions,
  clock: Pick<Clock, "nowMs">,
  log: Log,
): Promise<void> {
  await files.removeHalfCopies();
  const { files: kept, holds } = await files.list();
  if (kept.length === 0 && holds.length === 0) return;
  // Read after the holds: a registration that has released its hold has a row by now.
  const images = await allImages(store);
  // A database without a single image may be the wrong one, or a lost one, and removed files cannot be
  // restored.
  if (images.length === 0) return;
  const written = new Set(images.map(({ id }) => id));
  const named = new Set(images.flatMap(filesOf));
  const nowMs = clock.nowMs();
  for (const { imageId, heldAtMs } of holds)
    if (written.has(imageId) || nowMs - heldAtMs > storageLimits.imageHoldMs) await files.release(imageId);
  const isLeftOver = (sha256: string, keptAtMs: number) =>
    !named.has(sha256) && nowMs - keptAtMs > catalogLimits.imageLeftoverMs;
  const sha256s = kept.flatMap((one) =>
    one.aside || isLeftOver(one.sha256, one.keptAtMs) ? [one.sha256] : [],
  );
  if (sha256s.length === 0) return;
  for (const sha256 of await files.removeUnnamed([...new Set(sha256s)], namedFiles(store)))
    log.info({ sha256 }, "a file that no image has was removed");
}
