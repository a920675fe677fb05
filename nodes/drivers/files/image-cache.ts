/**
 * The image cache of a host as its configuration has it: how much it may take and has to leave free, and
 * where its images come from. What it says for the doctor is of one moment. It decides nothing else.
 */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { fullBelow } from "../../../protocol/space.ts";
import { exists, namesGuest, type StateDirectories } from "../guest-directory.ts";
import type { ImageSource } from "../images/cache.ts";
import { CacheRoom } from "../images/cache-room.ts";
import { CachedImages } from "../images/cached-images.ts";
import { basesOf, imagesInUse } from "../images/images-in-use.ts";
import { KnownPeers } from "../images/known-peers.ts";
import { ImageLeases } from "../images/leases.ts";
import { imageLimits } from "../images/limits.ts";
import { pulledImages } from "../images/pulled.ts";
import type { DriverContext, GivenImages, ImageCacheAudit } from "../kinds.ts";

export interface ImageCacheOptions {
  readonly imageCacheMib?: number;
  readonly imageCacheFreeMib?: number;
  readonly imagesOverNetwork?: boolean;
  readonly imagePeers?: boolean;
  readonly imagePeersAtOnce?: number;
  readonly imagePeersMibPerSecond?: number;
}

type Context = Pick<DriverContext, "clock" | "log" | "imageOrigins" | "imageStore">;

/** Bounds of the cache in bytes, by value. `totalBytes`: of its file system. */
export function cacheBounds(
  { imageCacheMib, imageCacheFreeMib }: ImageCacheOptions,
  totalBytes: number,
): { readonly cacheBytesMax: number; readonly freeBytesMin: number } {
  const { cacheShareMax, cacheFreeShareMin, cacheFreeBytesMin } = imageLimits;
  const free = Math.min(totalBytes * cacheFreeShareMin, cacheFreeBytesMin);
  return {
    cacheBytesMax: bytesOf(imageCacheMib) ?? Math.floor(totalBytes * cacheShareMax),
    freeBytesMin: bytesOf(imageCacheFreeMib) ?? Math.floor(Math.max(free, fullBelow({ totalBytes }))),
  };
}

const bytesPerMib = 1024 ** 2;
const bytesOf = (mib: number | undefined) => (mib === undefined ? undefined : mib * bytesPerMib);

/** The room of the image cache, the guests that use its images, and what other hosts get of these. */
export function cacheRoomOf(
  directories: StateDirectories,
  options: ImageCacheOptions,
  { clock }: Pick<Context, "clock">,
): { readonly room: CacheRoom; readonly leases: ImageLeases; readonly given: CachedImages } {
  const { images: directory } = directories;
  const { blocks, bsize } = statfsSync(directory);
  const leases = new ImageLeases(directory);
  const given = new CachedImages(directory, clock);
  const room = new CacheRoom({
    ...{ directory, leases, ...cacheBounds(options, blocks * bsize), partKeptMs: imageLimits.partKeptMs },
    inUse: () => imagesInUse(directories),
    nowMs: () => clock.nowMs(),
    given,
  });
  return { room, leases, given };
}

/** The memory of peers of this host. Undefined: the host gets images from controllers alone. */
export function knownPeersOf(
  { clock, log, imageOrigins }: Pick<Context, "clock" | "log" | "imageOrigins">,
  { imagePeers = true }: ImageCacheOptions,
): KnownPeers | undefined {
  return imagePeers && imageOrigins !== undefined ? new KnownPeers({ clock, log }) : undefined;
}

/** What other hosts get of the images. `came`: what this one got; undefined: it takes no part. */
export function givenImagesOf(
  bytes: CachedImages,
  came: KnownPeers | undefined,
  { imagePeersAtOnce = imageLimits.peerTransfersDefault, imagePeersMibPerSecond }: ImageCacheOptions,
): { readonly givenImages?: GivenImages } {
  if (came === undefined) return {};
  const bytesPerSecondMax = bytesOf(imagePeersMibPerSecond);
  const list = () => bytes.list();
  return {
    givenImages: {
      bytes,
      list,
      came,
      transfersMax: atOnceOf(imagePeersAtOnce, bytesPerSecondMax),
      bytesPerSecondMax,
    },
  };
}

/** The controllers' directory where the host sees it, and controllers and other hosts where it does not. */
export function imageSourceOf(
  { imageStore, imageOrigins: ask, clock }: Pick<Context, "imageStore" | "imageOrigins" | "clock">,
  { imagesOverNetwork = false }: ImageCacheOptions,
  peers?: KnownPeers,
): ImageSource {
  if (ask === undefined) return imageStore;
  return { store: imagesOverNetwork ? undefined : imageStore, bring: pulledImages({ ask, clock, peers }) };
}

/** What the cache takes, and the disks whose base is not in it. */
export async function auditCache(directories: StateDirectories, room: CacheRoom): Promise<ImageCacheAudit> {
  const bases = (await basesOf(directories)).filter(({ instanceId }) => namesGuest(instanceId));
  const there = await Promise.all(bases.map(({ sha256 }) => exists(join(directories.images, sha256))));
  return { ...(await room.look()), baseless: bases.filter((_, index) => there[index] === false) };
}

/** Fewer where each would get less than what hosts leave a peer for. */
const atOnceOf = (atOnce: number, bytesPerSecondMax = Number.POSITIVE_INFINITY): number =>
  Math.max(1, Math.min(atOnce, Math.floor(bytesPerSecondMax / (imageLimits.peerBytesPerMsMin * 1_000))));
