/**
 * Brings images to a host's cache: asks controllers who has one, gets it from each of these in turn, and
 * asks again when all of them fail, since another controller may be there by then, or another host has the
 * image. It gives up after a while without a byte in which nobody was busy; what has come stays for the
 * next time. It must never ask for an image that no instance of this host needs.
 */
import { stat } from "node:fs/promises";
import { imageLimits as agreed } from "../../../protocol/limits/image.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { type Pace, usualPace } from "../../image-server/patience.ts";
import { isMissing } from "../durable-file.ts";
import { abortError, delay } from "../waiting.ts";
import type { BringImage } from "./cache.ts";
import type { KnownPeers } from "./known-peers.ts";
import { imageLimits } from "./limits.ts";
import { type Pulling, pullImage } from "./pull.ts";
import type { ImageOrigin } from "./whole.ts";

export interface ImageQuestion {
  readonly instanceId: string;
  readonly sha256: string;
  /** Absent: controllers alone are to give it, and none of them lets wait. */
  readonly peers?: { readonly notFrom: string[] };
}

/** Asks controllers who has an image of an instance that this host is to run. @throws StatusError */
export type AskImageOrigins = (asked: ImageQuestion, signal: AbortSignal) => Promise<readonly ImageOrigin[]>;

export interface PulledOptions {
  readonly ask: AskImageOrigins;
  readonly clock: Clock;
  /** Absent: images come from controllers alone. */
  readonly peers?: Pick<KnownPeers, "came" | "noted" | "notFrom"> | undefined;
  /** Absent: the usual one. */
  readonly pace?: Pace;
  /** Bytes of a part. Absent: of the file. */
  readonly sizeOf?: (path: string) => Promise<number>;
  /** Absent: over HTTP. */
  readonly pull?: typeof pullImage;
}

export function pulledImages(options: PulledOptions): BringImage {
  const { ask, clock, peers, pace = usualPace, sizeOf = fileSize, pull = pullImage } = options;
  return async ({ instanceId, ...image }, path, signal) => {
    if (instanceId === undefined) throw missing("no instance of the host needs it");
    const turnEndsAtMs = clock.monotonicMs() + turnMs(image);
    let sinceMs = clock.monotonicMs();
    let had = await sizeOf(path);
    for (;;) {
      const waitsItsTurn = peers !== undefined && clock.monotonicMs() < turnEndsAtMs;
      try {
        const notFrom = waitsItsTurn ? peers.notFrom(image.sha256) : [];
        const asked = { instanceId, sha256: image.sha256, ...(waitsItsTurn ? named(notFrom) : {}) };
        const origins = await ask(asked, signal);
        return await pull({ image, origins, path, pace, signal, ...noting(image, peers) });
      } catch (error) {
        if (signal.aborted) throw abortError();
        const refused = refusal(error);
        if (refused !== undefined) throw refused;
        const has = await sizeOf(path);
        if (has > had || (waitsItsTurn && isBusy(error))) sinceMs = clock.monotonicMs();
        had = has;
        if (clock.monotonicMs() - sinceMs >= imageLimits.pullPatienceMs) throw givenUp(error);
      }
      await delay(clock, imageLimits.pullAgainMs, signal);
    }
  };
}

/** How long a host waits for its turn at servers that are busy with others. */
const turnMs = ({ sizeBytes }: { readonly sizeBytes: number }): number =>
  imageLimits.pullTurnMsMin + sizeBytes / imageLimits.pullTurnBytesPerMs;

const named = (notFrom: readonly string[]) => ({
  peers: { notFrom: notFrom.slice(0, agreed.imagePeersShunnedMax) },
});

const noting = (
  { sha256 }: { readonly sha256: string },
  peers: PulledOptions["peers"],
): Pick<Pulling, "came" | "noted"> =>
  peers === undefined
    ? {}
    : {
        came: (origin, bytes) => peers.came(origin, bytes),
        noted: (origin, fault) => peers.noted(origin, fault, sha256),
      };

const isBusy = (error: unknown): boolean =>
  error instanceof StatusError && error.reason === "tooManyRequests";

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
