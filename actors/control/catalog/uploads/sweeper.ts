/**
 * Puts right, when a controller starts and from time to time, what does not fit between images and uploads:
 * its own, and those of a controller that has been silent for as long as an upload is kept. Such an image is
 * queued again, and its bytes can be sent to another one.
 */
import { image } from "../../../../protocol/image.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../../protocol/wire/transport.ts";
import { type PeriodicActor, periodicActor } from "../../../runtime/periodic.ts";
import { allImages } from "../image-removal.ts";
import { type Advancing, advanceImage } from "../image-states.ts";
import { catalogLimits } from "../limits.ts";
import type { UploadDesk } from "./desk.ts";
import type { ImageHolders } from "./handlers.ts";
import { isUnsettled } from "./settle.ts";

export interface UploadSweeperOptions extends Advancing {
  readonly desk: Pick<UploadDesk, "settle">;
  readonly holders: ImageHolders;
}

export function uploadSweeperDefinition(options: UploadSweeperOptions): PeriodicActor<null> {
  const silent = new SilentHolders(options);
  const definition = periodicActor<null>({
    name: "upload-sweeper",
    pauseMs: () => catalogLimits.uploadSweepPeriodMs,
    roundMsMax: catalogLimits.imageSweepRoundMsMax,
    begin: () => null,
    round: async (_state, { log }, { fail, did }) => {
      try {
        did(`${await options.desk.settle()} uploads looked at`);
        await silent.giveUp(log);
      } catch (thrown) {
        const { reason, message } = StatusError.from(thrown, "Looking at uploads");
        log.warn({ reason, message }, "the uploads were not swept");
        fail();
      }
      return null;
    },
  });
  definition.next(0);
  return definition;
}

/** The controllers that do not answer, and since when. */
export class SilentHolders {
  readonly #options: Omit<UploadSweeperOptions, "desk">;
  readonly #sinceMs = new Map<string, number>();

  constructor(options: Omit<UploadSweeperOptions, "desk">) {
    this.#options = options;
  }

  /** Queues the images of those that were silent at each look for too long. */
  async giveUp(log: Log): Promise<void> {
    const { store, clock, holders } = this.#options;
    const waiting = (await allImages(store)).filter(
      (row) => row.holder !== holders.server && isUnsettled(row),
    );
    const others = new Set(waiting.flatMap(({ holder }) => holder ?? []));
    for (const known of this.#sinceMs.keys()) if (!others.has(known)) this.#sinceMs.delete(known);
    for (const server of others) await this.#look(server, clock);
    for (const { id, holder } of waiting) {
      if (!this.#isGivenUp(holder ?? "", clock)) continue;
      const about = { [image.noun]: id, holder };
      await advanceImage(id, { kind: "forget" }, { ...this.#options, holder: holder ?? "" }).then(
        () => log.warn(about, "an upload was given up: its controller has not answered for long"),
        (thrown: unknown) => {
          const { reason, message } = StatusError.from(thrown, "Giving up an upload");
          if (reason === "storeUnavailable") throw thrown;
          log.info({ ...about, reason, message }, "an upload was not given up, and is looked at again");
        },
      );
    }
  }

  async #look(server: string, clock: Pick<Clock, "monotonicMs">): Promise<void> {
    const timeoutMs = catalogLimits.holderAnswerMsMax;
    const isHere = await this.#options.holders
      .other(server)
      .here({}, { timeoutMs })
      .then(
        () => true,
        () => false,
      );
    if (isHere) this.#sinceMs.delete(server);
    else if (!this.#sinceMs.has(server)) this.#sinceMs.set(server, clock.monotonicMs());
  }

  #isGivenUp(server: string, clock: Pick<Clock, "monotonicMs">): boolean {
    const sinceMs = this.#sinceMs.get(server);
    return sinceMs !== undefined && clock.monotonicMs() - sinceMs >= storageLimits.uploadKeptMs;
  }
}
