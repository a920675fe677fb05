/**
 * Which cached images of a host go when room is needed, by value: the least recently used first, those last
 * that are on their way to other hosts, and never one that a guest's disk or a lease names. What is in use
 * counts against the bound all the same.
 */
export interface CachedFile {
  readonly sha256: string;
  /** Bytes on the disk: holes take none. */
  readonly allocatedBytes: number;
  readonly usedAtMs: number;
}

export interface CacheBounds {
  /** Of all cached images together; absent: only the free space counts. */
  readonly cacheBytesMax: number | undefined;
  readonly freeBytes: number;
  readonly freeBytesMin: number;
  /** What is to come: images that are being copied, and the one that asks. */
  readonly wantedBytes: number;
}

export interface Evictions {
  readonly evicted: readonly string[];
  /** False: even without all that may go there is too little room. */
  readonly enough: boolean;
}

/** What has to go before all bounds are kept; nothing has to where it is 0 or less. */
export function missingBytes(
  files: readonly CachedFile[],
  { cacheBytesMax, freeBytes, freeBytesMin, wantedBytes }: CacheBounds,
): number {
  const taken = files.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  const overBound = cacheBytesMax === undefined ? 0 : taken + wantedBytes - cacheBytesMax;
  return Math.max(overBound, freeBytesMin + wantedBytes - freeBytes);
}

export function chooseEvicted(
  files: readonly CachedFile[],
  inUse: ReadonlySet<string>,
  bounds: CacheBounds,
  sending: ReadonlySet<string> = new Set(),
): Evictions {
  let missing = missingBytes(files, bounds);
  const evicted: string[] = [];
  const candidates = files.filter(({ sha256 }) => !inUse.has(sha256));
  const isSent = ({ sha256 }: CachedFile) => Number(sending.has(sha256));
  const inOrder = candidates.toSorted((a, b) => isSent(a) - isSent(b) || leastRecent(a, b));
  for (const { sha256, allocatedBytes } of inOrder) {
    if (missing <= 0) break;
    evicted.push(sha256);
    missing -= allocatedBytes;
  }
  // What cannot be enough is no reason to throw anything away.
  return missing <= 0 ? { evicted, enough: true } : { evicted: [], enough: false };
}

const leastRecent = (left: CachedFile, right: CachedFile): number =>
  left.usedAtMs - right.usedAtMs || left.sha256.localeCompare(right.sha256);
