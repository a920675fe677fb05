/**
 * Brings images to a host's cache: asks controllers who has one, gets it from each of these in turn, and asks
 * again when all of them fail, since another controller may be there by then. It gives up after a while
 * without a byte; what has come stays for the next time. It must never ask for an image that no instance of
 * this host needs.
 */
import { stat } from "node:fs/promises";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { type Pace, usualPace } from "../../image-server/patience.ts";
import { isMissing } from "../durable-file.ts";
import { abortError, delay } from "../waiting.ts";
import type { BringImage } from "./cache.ts";
import { imageLimits } from "./limits.ts";
import { type ImageOrigin, pullImage } from "./pull.ts";

/** Asks controllers who has an image of an instance that this host is to run. @throws StatusError */
export type AskImageOrigins = (
  asked: { readonly instanceId: string; readonly sha256: string },
  signal: AbortSignal,
) => Promise<readonly ImageOrigin[]>;

export interface PulledOptions {
  readonly ask: AskImageOrigins;
  readonly clock: Clock;
  /** Absent: the usual one. */
  readonly pace?: Pace;
  /** Bytes of a part. Absent: of the file. */
  readonly sizeOf?: (path: string) => Promise<number>;
  /** Absent: over HTTP. */
  readonly pull?: typeof pullImage;
}

export function pulledImages(options: PulledOptions): BringImage {
  const { ask, clock, pace = usualPace, sizeOf = fileSize, pull = pullImage } = options;
  return async ({ instanceId, ...image }, path, signal) => {
    if (instanceId === undefined) throw missing("no instance of the host needs it");
    let sinceMs = clock.monotonicMs();
    let had = await sizeOf(path);
    for (;;) {
      try {
        const origins = await ask({ instanceId, sha256: image.sha256 }, signal);
        return await pull({ image, origins, path, pace, signal });
      } catch (error) {
        if (signal.aborted) throw abortError();
        const refused = refusal(error);
        if (refused !== undefined) throw refused;
        const has = await sizeOf(path);
        if (has > had) sinceMs = clock.monotonicMs();
        had = has;
        if (clock.monotonicMs() - sinceMs >= imageLimits.pullPatienceMs) throw givenUp(error);
      }
      await delay(clock, imageLimits.pullAgainMs, signal);
    }
  };
}

/** Another controller may know the question, and may have other bytes. */
const another: readonly string[] = ["unknownMethod", "checksumMismatch"];

/** What another try does not heal; undefined: it may. */
function refusal(error: unknown): unknown {
  if (!(error instanceof StatusError)) return error;
  if (error.reason === "imageNotFound") return missing("the controllers say that it is none of this host's");
  const passing: readonly string[] = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"];
  const mayHeal = passing.includes(error.code) || another.includes(error.reason);
  return mayHeal && error.reason !== "diskFull" ? undefined : error;
}

function givenUp(error: unknown): StatusError {
  const failed = StatusError.from(error, "Getting the image");
  if (failed.reason === "checksumMismatch") return failed;
  const { message } = failed;
  return missing(`no controller gives it: ${message}`, error);
}

const missing = (why: string, cause?: unknown): StatusError =>
  new StatusError("imageMissing", `The host does not get the image: ${why.replace(/\.$/, "")}.`, { cause });

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
