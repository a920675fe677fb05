/**
 * Makes an image whole of the bytes of several servers, one after the other: what is complete has the image's
 * checksum, whoever it came from, or it is begun anew. Whoever sent other bytes has only cost time. Where the
 * bytes are kept and how they come is the caller's affair.
 */
import type { ImageFile } from "../../../protocol/image.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { abortError } from "../waiting.ts";

/** A server that may have the image: a controller, or a host that needed it before. */
export interface ImageOrigin {
  /** Without a slash at its end. */
  readonly url: string;
  readonly ticket: string;
  /** The host that gives it. Absent: a controller does. */
  readonly hostId?: string | undefined;
}

/** What has come of an image. */
export interface ImagePart {
  /** Bytes from the beginning on. */
  readonly at: number;
  /** Forgets them all. */
  clear(): Promise<void>;
  /** SHA-256 of them; asked once for each time that they are complete. */
  digest(): string;
}

/**
 * `lied`: all bytes were its own, and they are none of the image; `failed`: it did not give all that was
 * asked for; `busy`: it gives the image to as many as it may.
 */
export type OriginFault = "lied" | "failed" | "busy";

export interface Making {
  readonly image: ImageFile;
  /** The best first. */
  readonly origins: readonly ImageOrigin[];
  readonly part: ImagePart;
  readonly signal: AbortSignal;
  /** Adds to the part what it lacks, or some of it. @throws BusyError, NotKeptError, or any error */
  readonly bring: (origin: ImageOrigin) => Promise<void>;
  readonly noted: (origin: ImageOrigin, fault: OriginFault) => void;
}

/** The server gives the image to as many as it may. */
export class BusyError extends Error {}

/** What came could not be kept: no other server heals that. `cause`: why. */
export class NotKeptError extends Error {}

/**
 * Resolves when the part is the image. @throws UNAVAILABLE imageMissing when no server has given the rest:
 * the part stays; RESOURCE_EXHAUSTED tooManyRequests, likewise, when one of them would have given it to
 * fewer; checksumMismatch; the cause of a NotKeptError; AbortError
 */
export async function makeWhole(making: Making): Promise<void> {
  const { origins, part, image } = making;
  if ((await fromAll(origins, making)) === "whole") return;
  // Whose bytes were wrong nobody knows, when several gave some: so each is asked for all. Controllers first:
  // their files are those that were registered.
  let isBusy = false;
  for (const origin of origins.toSorted((a, b) => Number(isPeer(a)) - Number(isPeer(b)))) {
    await part.clear();
    const come = await fromAll([origin], making, "quiet");
    if (come === "whole") return;
    isBusy ||= come === "busy";
  }
  await part.clear();
  if (isBusy) throw missing(isBusy, undefined);
  throw new StatusError(
    "checksumMismatch",
    `No server gave the image ${image.sha256.slice(0, 12)} as it is.`,
  );
}

const isPeer = ({ hostId }: ImageOrigin): boolean => hostId !== undefined;

/** `quiet`: a server that fails is as one that gives other bytes. */
async function fromAll(
  origins: readonly ImageOrigin[],
  { image, part, signal, bring, noted }: Making,
  quiet?: "quiet",
): Promise<"whole" | "wrong" | "busy"> {
  const isNew = part.at === 0;
  const givers = new Set<ImageOrigin>();
  let last: unknown;
  let isBusy = false;
  for (const origin of origins) {
    if (part.at === image.sizeBytes) break;
    const before = part.at;
    try {
      await bring(origin);
      if (part.at < image.sizeBytes) noted(origin, "failed");
    } catch (error) {
      if (signal.aborted) throw abortError();
      if (error instanceof NotKeptError) throw error.cause;
      const busy = error instanceof BusyError;
      noted(origin, busy ? "busy" : "failed");
      isBusy ||= busy;
      last = error;
    }
    if (part.at > before) givers.add(origin);
  }
  if (part.at === image.sizeBytes) {
    if (part.digest() === image.sha256) return "whole";
    const [only, ...others] = givers;
    if (isNew && only !== undefined && others.length === 0) noted(only, "lied");
    return "wrong";
  }
  if (quiet !== undefined) return isBusy ? "busy" : "wrong";
  throw missing(isBusy, last);
}

function missing(isBusy: boolean, cause: unknown): StatusError {
  if (isBusy)
    return new StatusError("tooManyRequests", "Whoever has the image gives it to others.", { cause });
  const message = "The host gets the image from none of the servers that have it.";
  return new StatusError("imageMissing", message, { cause });
}
